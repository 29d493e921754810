import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { newHome, openWindow, seed } from "./window.js";

let window, desktop;
before(async () => {
  const home = newHome();
  const said = (question, answer) => [{ speaker: "user", text: question }, { speaker: "assistant", text: answer }];
  seed(home, [
    { title: "The mill", at_ms: 1000, messages: said("Why does it turn?", "Water.") },
    { title: "Something else", at_ms: 2000, messages: said("And this?", "That.") },
  ]);
  // What shows notes on a desktop.
  desktop = spawn("dunst", { stdio: "ignore" });
  window = await openWindow({ home });
  await window.ready();
});
after(async () => {
  await window?.close();
  desktop?.kill();
});

const displayed = () => Number(execFileSync("dunstctl", ["count", "displayed"]));
const open = (title) => window.browser.execute((title) => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === title).click(), title);
const opened = () => window.browser.execute(() => document.querySelector('[data-testid="conversation"][aria-current]')?.textContent.trim());
const stop = () => window.browser.executeAsync((done) => globalThis.__TAURI_INTERNALS__.invoke("stop").then(done, done));

test("the system tells of a long answer only while the window is not in front, and its note leads to that answer", async () => {
  await window.browser.waitUntil(() => displayed() === 0, { timeout: 10_000, timeoutMsg: "nothing shows notes" });
  await open("The mill");
  await window.until((messages) => messages.at(-1)?.text === "Water.", "the mill is shown");
  const ask = async () => {
    await window.ask("Write a long story about a river, a mill and a waterfall.");
    await window.until((messages) => messages.at(-1)?.mine === false && messages.at(-1).text.length > 20, "there is some of an answer");
    // As if it had taken a minute until now.
    await window.browser.execute(() => ((globalThis.now ??= Date.now), (Date.now = () => globalThis.now() + 60_000)));
  };
  await ask();
  await window.by("stop").click();
  await window.answered();
  assert.equal(displayed(), 0, "whoever looks at it need not be told");
  await window.browser.execute(() => (Date.now = globalThis.now));
  await ask();
  await open("Something else");
  await window.until((messages) => messages.at(-1)?.text === "That.", "another conversation is shown");
  await window.browser.minimizeWindow();
  await window.browser.waitUntil(() => window.browser.execute(() => !document.hasFocus()), { timeout: 10_000, timeoutMsg: "it stayed in front" });
  await stop();
  await window.browser.waitUntil(() => displayed() === 1, { timeout: 20_000, timeoutMsg: "nothing was told" });
  execFileSync("dunstctl", ["action", "0"]);
  await window.browser.waitUntil(async () => (await opened()) === "The mill", { timeout: 10_000, timeoutMsg: "the note leads nowhere" });
  await window.browser.waitUntil(() => window.browser.execute(() => document.hasFocus()), { timeout: 10_000, timeoutMsg: "the window stayed behind" });
  await window.shot("note-pressed");
});
