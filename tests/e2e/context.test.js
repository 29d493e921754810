import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newHome, openWindow, seed } from "./window.js";

let window;
before(async () => {
  const home = newHome();
  const user = (text) => ({ speaker: "user", text });
  const assistant = (text) => ({ speaker: "assistant", text });
  const messages = [user("word ".repeat(8200)), assistant("Very long."), user("What is the colour of the sky?"), assistant("Blue.")];
  seed(home, [{ title: "Long", messages, at_ms: 1000 }]);
  window = await openWindow({ home });
  await window.ready();
});
after(() => window?.close());

test("a conversation that no longer fits goes on without its oldest messages", async () => {
  await window.by("composer").setValue("And of the sea?");
  await window.browser.waitUntil(async () => /^Too long/.test(await window.by("room").getText()), { timeout: 20_000, timeoutMsg: "its length was not told" });
  await window.by("leave-out").click();
  await window.browser.waitUntil(async () => (await window.by("room").getText()) === "", { timeout: 20_000, timeoutMsg: "it does not fit yet" });
  await window.shot("left-out");
  await window.by("send").click();
  const messages = await window.brief();
  assert.equal(messages.length, 6);
  const receipt = await window.browser.execute(() => document.querySelectorAll('[data-testid="receipt"]')[0].textContent);
  const prompt = Number(/Tokens read\D*(\d+)/.exec(receipt)?.[1]);
  assert.ok(prompt > 20 && prompt < 200, `the prompt was short: ${receipt}`);
});
