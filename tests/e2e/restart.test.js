import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rows } from "./database.js";
import { newHome, openWindow, seed } from "./window.js";

describe("choices and places", () => {
  const home = newHome();
  let window;
  before(async () => {
    const messages = Array.from({ length: 40 }, (_, at) => ({ speaker: at % 2 ? "assistant" : "user", text: `Number ${at}. ${"The river turns the mill. ".repeat(at % 2 ? 20 : 1)}` }));
    seed(home, [
      { title: "The mill", at_ms: Date.now() - 2000, messages },
      { title: "Something else", at_ms: Date.now(), messages: messages.slice(0, 2) },
    ]);
    window = await openWindow({ home });
    await window.by("conversation").waitForExist({ timeout: 20_000 });
  });
  after(() => window?.close());

  const open = (title) => window.browser.execute((title) => [...document.querySelectorAll('[data-testid="conversation"]')].find((entry) => entry.textContent.trim() === title).click(), title);
  /** The message at the upper edge, and how far it has gone beyond it. */
  const place = () =>
    window.browser.execute(() => {
      const edge = document.querySelector('[data-testid="transcript"]').getBoundingClientRect().top;
      const first = [...document.querySelectorAll("[data-message]")].find((message) => message.getBoundingClientRect().bottom > edge);
      return [Number(first?.dataset.message), edge - first?.getBoundingClientRect().top];
    });

  test("language and colours change at once, and the conversation stays", async () => {
    await open("The mill");
    const before = await window.until((messages) => messages.at(-1)?.text.startsWith("Number 39"), "the conversation is open");
    const colours = () => window.browser.execute(() => getComputedStyle(document.body).backgroundColor);
    const seen = new Set();
    for (const [language, close] of [["ja", "閉じる"], ["en", "Close"]]) {
      await window.by("settings").click();
      await window.by("language-select").selectByAttribute("value", language);
      await window.browser.waitUntil(async () => (await window.by("settings-close").getText()) === close, { timeout: 5000, interval: 20 });
      assert.equal(await window.browser.execute(() => document.documentElement.lang), language);
      for (const theme of ["light", "dark"]) {
        await window.by("theme-select").selectByAttribute("value", theme);
        await window.browser.waitUntil(() => window.browser.execute((theme) => document.documentElement.dataset.theme === theme, theme), { timeout: 5000, interval: 20 });
        seen.add(`${theme} ${await colours()}`);
      }
      await window.by("settings-close").click();
    }
    assert.equal(seen.size, 2, [...seen].join(", "));
    assert.deepEqual(await window.messages(), before);
  });

  test("a restart brings back the conversation, the place in it and what was not sent", async () => {
    await open("The mill");
    await window.until((messages) => messages.at(-1)?.text.startsWith("Number 39"), "the conversation is open");
    // A question above is being put in other words.
    await window.browser.execute(() => document.querySelector('[data-testid="message-user"]:last-of-type, [data-testid="message-user"]').querySelector('[data-testid="edit"]').click());
    await window.by("editor").addValue(" But wh");
    await window.by("composer").setValue("half a thought");
    await window.browser.execute(() => (document.querySelector('[data-testid="transcript"]').scrollTop -= 2500));
    await window.by("latest").waitForExist({ timeout: 5000 });
    let before;
    await window.browser.waitUntil(
      async () => {
        before = await place();
        const [kept] = rows(home, "SELECT place_message, place_offset, unsent FROM conversation WHERE title = 'The mill'");
        return kept.place_message === before[0] && Math.abs(kept.place_offset - before[1]) < 1 && kept.unsent === "half a thought";
      },
      { timeout: 10_000, timeoutMsg: "place and text were not kept" },
    );
    await window.close();
    window = await openWindow({ home });
    await window.until((messages) => messages.at(-1)?.text.startsWith("Number 39"), "the conversation is open");
    await window.browser.waitUntil(
      async () => {
        const now = await place();
        return now[0] === before[0] && Math.abs(now[1] - before[1]) < 3;
      },
      { timeout: 5000, interval: 20 },
    ).catch(async () => assert.fail(`the place was ${before} and is ${await place()}`));
    assert.equal(await window.by("composer").getValue(), "half a thought");
    assert.match(await window.by("editor").getValue(), / But wh$/);
    assert.equal(await window.browser.execute(() => document.documentElement.dataset.theme), "dark");
  });
});
