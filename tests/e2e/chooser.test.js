import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { choose } from "./chooser.js";
import { newHome, openWindow, seed } from "./window.js";

const home = newHome();
let window;
before(async () => {
  seed(home, [{ title: "The mill", at_ms: 1000, messages: [{ speaker: "user", text: "Why does it turn?" }, { speaker: "assistant", text: "Water." }] }]);
  window = await openWindow({ home });
  await window.by("conversation").waitForExist({ timeout: 20_000 });
});
after(() => window?.close());

// Driven as here, WebKit shows no dialog for the files of a page, so attaching is tried without one (attach.test.js).

test("conversations are written to a file and read from one with the system's own dialogs", async () => {
  const file = path.join(home, "all.json");
  const press = (id) => window.browser.execute((id) => void setTimeout(() => document.querySelector(`[data-testid="${id}"]`).click()), id);
  await window.by("settings").click();
  await window.by("export-json").waitForExist({ timeout: 10_000 });
  await choose(window, () => press("export-json"), file);
  await window.browser.waitUntil(() => fs.existsSync(file), { timeout: 10_000, timeoutMsg: "nothing was written" });
  const exported = JSON.parse(fs.readFileSync(file, "utf8"));
  assert.deepEqual(exported.conversations.map(({ title }) => title), ["The mill"]);
  exported.conversations[0].title = "The weir";
  exported.conversations[0].messages[0].text = "Why does it roar?";
  fs.writeFileSync(file, JSON.stringify(exported));
  await choose(window, () => press("import"), file);
  await window.browser.waitUntil(
    () => window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].some((entry) => entry.textContent.trim() === "The weir")),
    { timeout: 10_000, timeoutMsg: "nothing came in" },
  );
});
