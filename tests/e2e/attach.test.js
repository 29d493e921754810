import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { rows } from "./database.js";
import { newHome, openWindow } from "./window.js";

const documents = path.resolve("../../crates/documents/tests/data");

describe("attached documents", () => {
  let window;
  before(async () => {
    window = await openWindow({ home: newHome() });
    await window.ready();
  });
  after(() => window?.close());

  /** How many tokens the model read for the latest answer, as its receipt says. */
  async function read() {
    await window.browser.execute(() => {
      for (const receipt of document.querySelectorAll('[data-testid="receipt"]')) receipt.open = true;
    });
    const receipts = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="receipt"]')].map((receipt) => receipt.textContent));
    return Number(/Tokens read\s*(\d+)/.exec(receipts.at(-1))?.[1]);
  }

  const chips = (within) => window.browser.execute((within) => [...document.querySelectorAll(`${within} [data-testid="attachment"]`)].map((chip) => chip.textContent.trim()), within);

  for (const [name, question] of [["typst.pdf", "What wears the rock away?"], ["cid.pdf", "猫の名前は?"]]) {
    test(`a PDF is read with the question, and the receipt counts its tokens: ${name}`, async () => {
      await window.by("new-conversation").click();
      await window.until((messages) => messages.length === 0, "a new conversation began");
      await window.ask(question);
      await window.brief();
      const without = await read();
      assert.ok(without > 0);

      await window.by("new-conversation").click();
      await window.until((messages) => messages.length === 0, "a new conversation began");
      await window.by("attach-input").addValue(path.join(documents, name));
      await window.browser.waitUntil(async () => (await chips("form")).length === 1, { timeout: 20_000, timeoutMsg: "the file was not attached" });
      const [chip] = await chips("form");
      const tokens = Number(new RegExp(`^${name}\\s*([\\d,]+) tokens$`).exec(chip)?.[1].replaceAll(",", ""));
      assert.ok(tokens > 20, chip);
      await window.ask(question);
      const shown = await window.brief();
      assert.equal(shown[0].text, question, "the file is no part of what was typed");
      assert.deepEqual(await chips('[data-testid="message-user"]'), [chip], "the message carries it");
      assert.deepEqual(await chips("form"), [], "the composer no longer does");
      const grown = (await read()) - without;
      // Around it stands its name.
      assert.ok(grown >= tokens * 0.9 && grown <= tokens + 100, `the chip says ${tokens}, the model read ${grown} more`);
    });
  }

  test("a PDF with a password is refused with a reason, and nothing is attached", async () => {
    await window.by("attach-input").addValue(path.join(documents, "locked.pdf"));
    await window.by("refused").waitForExist({ timeout: 20_000 });
    assert.match(await window.by("refused").getAttribute("data-code"), /^document_/);
    assert.deepEqual(await chips("form"), []);
  });
});

describe("a document that is longer than the context", () => {
  const home = newHome("context = 2048\n");
  let window;
  before(async () => {
    window = await openWindow({ home });
    await window.ready();
  });
  after(() => window?.close());

  test("is read in part: what goes with the question, or its beginning", async () => {
    const clauses = Array.from({ length: 200 }, (_, at) => `${at + 1}. ${"The parties agree on what they agree on. ".repeat(5)}\n`);
    clauses[150] = "151. Either side may terminate this contract with notice of three months.\n";
    const contract = path.join(home, "contract.txt");
    fs.writeFileSync(contract, clauses.join("\n"));
    await window.by("attach-input").addValue(contract);
    await window.by("composer").setValue("With what notice can it be terminated?");
    await window.by("read-passages").waitForExist({ timeout: 30_000 });
    assert.equal(await window.by("send").isEnabled(), false);
    await window.shot("file-too-long");
    await window.by("read-passages").click();
    await window.browser.waitUntil(() => window.by("send").isEnabled(), { timeout: 30_000, timeoutMsg: "it does not fit yet" });
    await window.by("send").click();
    await window.brief();
    const [{ part, excerpt, receipt }] = rows(home, "SELECT part, excerpt, receipt FROM attachment JOIN message ON message.parent = attachment.message");
    assert.equal(part, "passages");
    assert.ok(excerpt.includes("notice of three months") && excerpt.startsWith("1. "), excerpt);
    const { prompt_tokens: read } = JSON.parse(receipt);
    assert.ok(read > 1200 && read <= 1600, `${read} tokens of 2048 were read`);
    await window.shot("read-in-part");
    // It can be looked at.
    await window.by("file-open").click();
    await window.by("file-text").waitForExist({ timeout: 10_000 });
    await window.browser.waitUntil(async () => (await window.by("file-text").getText()).includes("notice of three months"), { timeout: 10_000, timeoutMsg: "the clause is not shown" });
    await window.shot("file-text");
    await window.by("file-close").click();
    // As is said at the message.
    assert.match(await window.browser.execute(() => document.querySelector('[data-testid="message-user"] [data-testid="attachment"]').textContent), /only what goes with your questions/);
  });

  test("stopped while it is read, it is read on from there", async () => {
    await window.by("new-conversation").click();
    await window.until((messages) => messages.length === 0, "a new conversation began");
    await window.by("attach-input").addValue(path.join(home, "contract.txt"));
    await window.by("read-beginning").waitForExist({ timeout: 30_000 });
    await window.by("read-beginning").click();
    await window.by("composer").setValue("What do the parties agree on?");
    await window.browser.waitUntil(() => window.by("send").isEnabled(), { timeout: 30_000, timeoutMsg: "it does not fit yet" });
    await window.by("send").click();
    await window.browser.waitUntil(() => window.browser.execute(() => /[3-9]\d%/.test(document.querySelector('[data-testid="message-assistant"]')?.textContent)), { timeout: 60_000, interval: 10, timeoutMsg: "it is not said how much is read" });
    await window.by("stop").click();
    await window.answered();
    await window.browser.execute(() => [...document.querySelectorAll('[data-testid="message-assistant"] [data-testid="answer-again"], [data-testid="message-assistant"] [aria-label="Answer again"]')].at(-1).click());
    await window.brief();
    const [{ receipt, answers }] = rows(home, "SELECT receipt, (SELECT count(*) FROM message AS other WHERE other.parent = message.parent) AS answers FROM message WHERE speaker = 'assistant' ORDER BY id DESC LIMIT 1");
    const { prompt_tokens: all, reused_tokens: reused } = JSON.parse(receipt);
    assert.ok(reused > 0.25 * all, `${reused} of ${all} tokens were still in memory`);
    assert.equal(answers, 1, "an answer without a word is no version");
    // What comes next is all that is read for it.
    await window.ask("Who agrees?");
    await window.until((messages) => messages.length === 4, "a further question is asked");
    await window.brief();
    const next = JSON.parse(rows(home, "SELECT receipt FROM message WHERE speaker = 'assistant' ORDER BY id DESC LIMIT 1")[0].receipt);
    assert.ok(next.prompt_tokens > all && next.reused_tokens > 0.9 * all, `${next.reused_tokens} of ${next.prompt_tokens} tokens were still in memory`);
  });
});
