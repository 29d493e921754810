import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { SMOLLM2, smallModels } from "./models.js";
import { newHome, openWindow } from "./window.js";

describe("models and ladders of one's own", () => {
  const home = newHome();
  // Of its own: what is made here must not lie with the models of this computer.
  const models = path.join(home, "models");
  let window;
  before(async () => {
    smallModels(models);
    window = await openWindow({ home, models });
    await window.ready();
  });
  after(() => window?.close());

  const said = (words) => window.browser.waitUntil(async () => (await window.by("ladders-said").getText()).includes(words), { timeout: 60_000, timeoutMsg: `it never said “${words}”` });

  test("a smaller version of a model is made while its progress is shown", async () => {
    await window.by("settings").click();
    await window.by("open-ladders").click();
    await window.by("model-row").waitForExist();
    await window.by("shrink").click();
    await window.by("shrink-mix").waitForExist();
    await window.browser.execute(() => {
      for (const box of document.querySelectorAll('[data-testid="shrink-mix"]')) if (box.checked !== ["Q4_0", "Q2_K"].includes(box.dataset.mix)) box.click();
    });
    await window.by("shrink-start").click();
    await window.by("ladders-work").waitForExist();
    await said("2 smaller versions were made");
    const compared = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="version-made"]')].map((row) => row.textContent));
    assert.ok(compared.length === 2 && compared.at(-1).includes("Q2_K") && /\d%/.test(compared.at(-1)), compared.join("; "));
    const rows = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="model-row"]')].map((row) => row.textContent));
    assert.ok(rows.some((row) => row.includes("Q2_K")), rows.join("; "));
  });

  test("a ladder is made with it, with the memory that it needs, and what does not fit is refused with the reason", async () => {
    await window.by("ladder-make").click();
    await window.by("builder-target").selectByAttribute("value", "smollm2-135m");
    await window.by("memory-bar").waitForExist();
    const before = await window.by("memory-total").getText();
    await window.browser.waitUntil(async () => (await window.by("draft").isExisting()) && (await window.by("draft").isEnabled()), { timeoutMsg: "the smaller version cannot be chosen" });
    await window.by("draft").click();
    await window.browser.waitUntil(async () => (await window.by("memory-total").getText()) !== before, { timeoutMsg: "the memory stays the same" });
    if (process.env.TAKI_SHOTS) await window.shot("ladder-builder");
    await window.by("builder-name").setValue("仕事用 Work");
    await window.by("builder-make").click();
    await said("仕事用 Work");
    // The larger cannot draft for the smaller.
    await window.by("ladder-make").click();
    const smaller = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="builder-target"] option')].find((option) => option.textContent.includes("Q2_K")).value);
    await window.by("builder-target").selectByAttribute("value", smaller);
    await window.browser.waitUntil(() => window.browser.execute(() => document.querySelector('[data-testid="builder"]').textContent.includes("not smaller")), { timeoutMsg: "no reason is given" });
    assert.ok(await window.browser.execute(() => document.querySelector("#draft-smollm2-135m").disabled));
    await window.browser.execute(() => document.querySelector('[data-testid="builder"] .buttons button').click());
  });

  test("it answers, is there after a restart, and what was removed comes back", async () => {
    const use = () => window.browser.execute(() => [...document.querySelectorAll('[data-testid="ladder-row"]')].find((row) => row.textContent.includes("仕事用")).querySelector('[data-testid="ladder-use"]').click());
    await use();
    await window.browser.waitUntil(() => window.browser.execute(() => [...document.querySelectorAll('[data-testid="ladder-row"]')].some((row) => row.textContent.includes("仕事用") && row.textContent.includes("in use"))), { timeout: 60_000, timeoutMsg: "it is not in use" });
    if (process.env.TAKI_SHOTS) await window.shot("ladders");
    await window.by("ladders-close").click();
    await window.ready();
    await window.ask("Say hello.");
    await window.brief();
    await window.close();
    window = await openWindow({ home, models });
    await window.ready();
    await window.by("settings").click();
    assert.equal(await window.by("ladder-select").getValue(), "work");
    await window.by("ladder-select").selectByAttribute("value", "smollm2");
    await window.browser.waitUntil(async () => (await window.by("ladder-select").getValue()) === "smollm2");
    await window.by("open-ladders").click();
    await window.by("ladder-remove").waitForExist();
    const before = (await window.all("ladder-row")).length;
    await window.by("ladder-remove").click();
    // The smaller version is in no other ladder.
    await window.by("remove-only").click();
    await window.by("ladder-undo").waitForExist();
    assert.equal((await window.all("ladder-row")).length, before - 1);
    await window.by("ladder-undo").click();
    await window.browser.waitUntil(async () => (await window.all("ladder-row")).length === before, { timeoutMsg: "it did not come back" });
    // And later, from below the lists.
    await window.by("ladder-remove").click();
    await window.by("remove-only").click();
    await window.by("removed-ladders").waitForExist();
    await window.by("removed-ladders").click();
    await window.by("removed-back").click();
    await said("in the list again");
    assert.equal((await window.all("ladder-row")).length, before);
  });

  test("a model that the system has Taki open goes to the models of the window that is there", async () => {
    await window.by("ladders-close").click();
    const file = path.join(home, "Handed.gguf");
    fs.copyFileSync(path.join(models, SMOLLM2), file);
    // As a file manager would; it ends when the window has been told.
    execFileSync(process.env.TAKI_APP, [file], { env: { ...process.env, TAKI_HOME: home, TAKI_MODELS: models }, timeout: 30_000 });
    await window.by("ladders-said").waitForExist({ timeout: 20_000 });
    await said("is in the list");
  });
});
