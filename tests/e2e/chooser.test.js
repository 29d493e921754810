import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { newHome, openWindow, seed } from "./window.js";

const home = newHome();
let window;
before(async () => {
  seed(home, [{ title: "The mill", at_ms: 1000, messages: [{ speaker: "user", text: "Why does it turn?" }, { speaker: "assistant", text: "Water." }] }]);
  window = await openWindow({ home });
  await window.by("conversation").waitForExist({ timeout: 20_000 });
});
after(() => window?.close());

const windows = () => execFileSync("wmctrl", ["-l"], { encoding: "utf8" }).split("\n").filter(Boolean).map((line) => line.split(/\s+/)[0]);

// Driven as here, WebKit shows no dialog for the files of a page, so attaching is tried without one (attach.test.js).

/** Chooses a file in the system's own dialog that `open` brings up. */
async function choose(open, file) {
  const before = windows();
  await open();
  let dialog;
  await window.browser.waitUntil(() => (dialog = windows().find((id) => !before.includes(id))), { timeout: 20_000, timeoutMsg: "no dialog came up" });
  execFileSync("xdotool", ["windowactivate", "--sync", dialog]);
  await window.shot(`chooser-${path.basename(file)}`);
  // A slash opens the field for a path, where there is none yet.
  execFileSync("xdotool", ["key", "--clearmodifiers", "ctrl+a"]);
  execFileSync("xdotool", ["type", "--delay", "15", file]);
  execFileSync("xdotool", ["key", "Return"]);
  await window.browser.waitUntil(() => !windows().includes(dialog), { timeout: 20_000, timeoutMsg: "the dialog stayed" });
}

test("conversations are written to a file and read from one with the system's own dialogs", async () => {
  const file = path.join(home, "all.json");
  const press = (id) => window.browser.execute((id) => void setTimeout(() => document.querySelector(`[data-testid="${id}"]`).click()), id);
  await window.by("settings").click();
  await window.by("export-json").waitForExist({ timeout: 10_000 });
  await choose(() => press("export-json"), file);
  await window.browser.waitUntil(() => fs.existsSync(file), { timeout: 10_000, timeoutMsg: "nothing was written" });
  const exported = JSON.parse(fs.readFileSync(file, "utf8"));
  assert.deepEqual(exported.conversations.map(({ title }) => title), ["The mill"]);
  exported.conversations[0].title = "The weir";
  exported.conversations[0].messages[0].text = "Why does it roar?";
  fs.writeFileSync(file, JSON.stringify(exported));
  await choose(() => press("import"), file);
  await window.browser.waitUntil(
    () => window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].some((entry) => entry.textContent.trim() === "The weir")),
    { timeout: 10_000, timeoutMsg: "nothing came in" },
  );
});
