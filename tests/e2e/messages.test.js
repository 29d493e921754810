import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rows } from "./database.js";
import { newHome, openWindow } from "./window.js";

const LONG = "Write a long story about a river, a mill and a waterfall.";

const said = (messages) => messages.map(({ id, text }) => [id, text]);

describe("messages", () => {
  const home = newHome();
  let window;
  before(async () => {
    window = await openWindow({ home });
    await window.ready();
  });
  after(() => window?.close());

  test("an edited question is a branch, and the arrows lead back to the first one with its answer", async () => {
    await window.ask("What is a waterfall?");
    const first = await window.brief();
    await window.press(first[0].id, '[data-testid="edit"]');
    await window.by("editor").waitForExist();
    assert.equal(await window.by("editor").getValue(), first[0].text);
    await window.by("editor").setValue("What is a mill?");
    await window.by("editor-send").click();
    await window.until((messages) => messages[0]?.text === "What is a mill?", "the edited question is there");
    const second = await window.brief();
    assert.equal(second.length, 2, "the first version makes room");
    assert.equal(second[0].version, "2 / 2");
    assert.ok(!first.some(({ id }) => second.some((other) => other.id === id)));

    await window.press(second[0].id, '[data-step="-1"]');
    const back = await window.until((messages) => messages[0]?.version === "1 / 2", "the first version is shown");
    assert.deepEqual(said(back), said(first));
    await window.press(back[0].id, '[data-step="1"]');
    const forth = await window.until((messages) => messages[0]?.version === "2 / 2", "the second version is shown");
    assert.deepEqual(said(forth), said(second));
  });

  test("another answer is a version beside the first", async () => {
    const [question, first] = await window.messages();
    await window.press(first.id, '[data-testid="answer-again"]');
    await window.until((messages) => messages.length === 2 && messages[1].id !== first.id, "another answer began");
    const again = await window.brief();
    assert.equal(again[0].id, question.id);
    assert.equal(again[1].version, "2 / 2");
    const seed = (id) => JSON.parse(rows(home, `SELECT receipt FROM message WHERE id = ${id}`)[0].receipt).seed;
    assert.deepEqual([seed(first.id), seed(again[1].id)], [0, again[1].id], "the first is the likeliest, the second another one");
    await window.press(again[1].id, '[data-step="-1"]');
    const back = await window.until((messages) => messages[1]?.version === "1 / 2", "the first answer is shown");
    assert.equal(back[1].id, first.id);
    assert.equal(back[1].text, first.text);
  });

  test("a stopped answer is continued where it ended", async () => {
    await window.by("new-conversation").click();
    await window.until((messages) => messages.length === 0, "a new conversation began");
    await window.ask(LONG);
    const [, stopped] = await window.brief();
    assert.match(await window.by("receipt").$("summary").getText(), /stopped/);
    await window.press(stopped.id, '[data-testid="continue"]');
    const [, longer] = await window.until((messages) => messages[1]?.text.length > stopped.text.length + 60, "the answer went on");
    await window.brief();
    assert.equal(longer.id, stopped.id, "it is the same answer");
    assert.ok(longer.text.startsWith(stopped.text.trimEnd()), "what stood there stays");
  });

  test("in exact mode a replay with the model alone says the same words", async () => {
    await window.by("settings").click();
    await window.by("exact-toggle").click();
    await window.by("settings-close").click();
    await window.browser.waitUntil(async () => (await window.by("engine-state").getAttribute("data-kind")) !== "ready", { timeout: 5000, interval: 5 }).catch(() => undefined);
    await window.by("new-conversation").click();
    await window.until((messages) => messages.length === 0, "a new conversation began");
    await window.ready();
    // What is copied from the question is what the cascade is quick at.
    await window.ask("Repeat this sentence twice: The mill stands by the river, and the river turns the mill.");
    await window.until((messages) => messages[1]?.text.length > 150 || messages[1]?.done, "there is something to replay");
    const [, answer] = await window.brief();
    await window.by("receipt").$("summary").click();
    assert.match(await window.by("receipt").getText(), /Exact mode\s*yes/);
    await window.by("replay-start").click();
    await window.browser.waitUntil(async () => (await window.by("replay-verdict").getText()) !== "", { timeout: 60_000, timeoutMsg: "the replay did not end" });
    assert.equal(await window.by("replay-verdict").getAttribute("data-same"), "true", await window.by("replay-verdict").getText());
    assert.deepEqual((await window.messages())[1], answer, "a replay changes nothing");
  });
});
