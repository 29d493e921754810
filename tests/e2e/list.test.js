import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newHome, openWindow, seed } from "./window.js";

const DAY = 86_400_000;
const filler = (at) => [
  { speaker: "user", text: `質問その${at}。` },
  { speaker: "assistant", text: `回答その${at}です。\n\n${"これは長い文章の一部分です。".repeat(12)}` },
];

describe("the list of conversations", () => {
  const home = newHome();
  let window;
  before(async () => {
    const now = Date.now();
    const long = Array.from({ length: 30 }, (_, at) => filler(at)).flat();
    // Far above the end, where the conversation opens by itself.
    long[8].text = "昨日は滝の近くの川辺で釣りをして、夕方に帰りました。";
    seed(home, [
      { title: "休みの日", at_ms: now - 3 * DAY, messages: long },
      { title: "会議", at_ms: now - 2 * DAY, messages: filler(1) },
      { title: "見積もり", at_ms: now - DAY, messages: filler(2) },
    ]);
    window = await openWindow({ home });
    await window.by("conversation").waitForExist({ timeout: 20_000 });
  });
  after(() => window?.close());

  const titles = () => window.browser.execute(() => [...document.querySelectorAll('[data-testid="conversation"]')].map((entry) => entry.textContent.trim()));
  const open = (title) => window.browser.execute((title) => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === title).click(), title);

  for (const word of ["滝", "釣り", "川辺"]) {
    test(`a Japanese word of ${word.length} inside a sentence is found and shown: ${word}`, async () => {
      await open("会議");
      await window.until((messages) => messages.length === 2, "another conversation is open");
      await window.by("search").setValue(word);
      await window.browser.waitUntil(async () => (await window.by("found").$("mark").isExisting()) && (await window.by("found").$("mark").getText()) === word, {
        timeout: 10_000,
        timeoutMsg: "nothing was found",
      });
      assert.equal((await window.all("found").length), 1);
      await window.by("found").click();
      await window.until((messages) => messages.some(({ text }) => text.includes("川辺")), "the hit is there");
      await window.browser.waitUntil(
        () =>
          window.browser.execute(() => {
            const hit = document.querySelector("article.found")?.getBoundingClientRect();
            const view = document.querySelector('[data-testid="transcript"]').getBoundingClientRect();
            return !!hit && hit.top >= view.top && hit.bottom <= view.bottom;
          }),
        { timeout: 5000, interval: 20, timeoutMsg: "the hit is not to be seen" },
      );
      await window.by("search").addValue("\uE00C");
      await window.by("conversation").waitForExist();
    });
  }

  test("a deleted conversation is gone, and Undo brings it back", async () => {
    await open("会議");
    const before = await window.until((messages) => messages.length === 2 && messages[0].text === "質問その1。", "it is open");
    const all = await titles();
    await window.browser.execute(() => document.querySelector('[data-testid="conversation"][aria-current]').focus());
    await window.browser.keys("\uE017");
    await window.by("undo").waitForExist();
    assert.match(await window.by("toast").getText(), /会議/);
    assert.deepEqual(await titles(), all.filter((title) => title !== "会議"));
    assert.ok(!(await window.messages()).some(({ id }) => id === before[0].id), "its messages are not shown");
    await window.by("undo").click();
    const back = await window.until((messages) => messages[0]?.id === before[0].id, "it is back");
    assert.deepEqual(back, before);
    assert.deepEqual(await titles(), all);
  });
});
