import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newHome, openWindow, seed } from "./window.js";

let window;
before(async () => {
  const home = newHome();
  const user = (text) => ({ speaker: "user", text });
  const assistant = (text) => ({ speaker: "assistant", text });
  const messages = [user("word ".repeat(8200)), assistant("Very long."), user("What is the colour of the sky?"), assistant("Blue.")];
  // Nearly full, of messages that are read one by one.
  const chain = Array.from({ length: 14 }, (_, at) => [user(`${at}: ${"wide ".repeat(500)}`), assistant(`That was ${at}.`)]).flat();
  seed(home, [
    { title: "Chain", messages: chain, at_ms: 500 },
    // Its last answer was cut off, and all of it together is more than can be read at once.
    { title: "Full", messages: [...chain, ...chain.slice(0, 6), user("Count to thirty."), assistant("1, 2, 3,")], at_ms: 250 },
    // An answer that fills the conversation by itself.
    { title: "Huge", messages: [user("Count as far as you can."), assistant(Array.from({ length: 3000 }, (_, at) => `${at + 1},\n`).join(""))], at_ms: 300 },
    { title: "Long", messages, at_ms: 1000 },
  ]);
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

test("or with a summary of them that the model writes, also after the window was opened anew", async () => {
  await window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === "Chain").click());
  await window.until((messages) => messages.some(({ text }) => text === "That was 13."), "the other conversation is shown");
  await window.by("composer").setValue("And now?");
  await window.browser.waitUntil(async () => /^About/.test(await window.by("room").getText()), { timeout: 20_000, timeoutMsg: "its length was not told" });
  await window.by("summarise").waitForExist({ timeout: 20_000 });
  await window.by("summarise").click();
  await window.by("summarising").waitForExist({ timeout: 10_000 });
  await window.shot("summarising");
  await window.by("summary").waitForExist({ timeout: 180_000 });
  await window.browser.waitUntil(async () => (await window.by("room").getText()) === "", { timeout: 20_000, timeoutMsg: "it does not fit well yet" });
  const summary = () => window.browser.execute(() => document.querySelector('[data-testid="summary"]').textContent);
  const written = await summary();
  assert.ok(written.length > "Summary".length, "a summary of a small model may say little, but it says something");
  await window.shot("summarised");
  await window.by("send").click();
  await window.until((messages) => messages.at(-1)?.mine === false && messages.at(-1).text.length > 0, "it is answered");
  // A page that goes while an answer is written is told of, and rightly so.
  await window.brief();
  await window.browser.refresh();
  await window.by("summary").waitForExist({ timeout: 20_000 });
  assert.equal(await summary(), written);
});

test("an answer in a full conversation goes on without the oldest messages", async () => {
  await window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === "Full").click());
  const shown = await window.until((messages) => messages.at(-1)?.text === "1, 2, 3,", "the full conversation is shown");
  await window.press(shown.at(-1).id, '[data-testid="continue"]');
  await window.by("left-out").waitForExist({ timeout: 30_000 });
  const messages = await window.brief();
  assert.equal(messages.length, shown.length, "it is the same answer");
  assert.ok(messages.at(-1).text.startsWith("1, 2, 3,") && messages.at(-1).text.length > "1, 2, 3,".length, messages.at(-1).text);
  await window.shot("went-on-full");
});

test("an answer that fills a conversation by itself goes on behind its end", async () => {
  await window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === "Huge").click());
  const shown = await window.until((messages) => messages.length === 2 && messages[1].text.length > 10_000, "the long answer is shown");
  await window.press(shown[1].id, '[data-testid="continue"]');
  const longer = await window.until((messages) => messages.at(-1)?.text.length > shown[1].text.length, "the answer went on", 120_000);
  assert.ok(longer.at(-1).text.startsWith(shown[1].text.trimEnd()), "what stood there stays");
  await window.brief();
  const problems = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="problem"]')].map((problem) => problem.textContent));
  assert.deepEqual(problems, []);
});
