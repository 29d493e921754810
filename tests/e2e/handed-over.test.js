import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { choose } from "./chooser.js";
import { SMOLLM2, named, smallModels, tinyModel } from "./models.js";
import { newHome, openWindow } from "./window.js";

const TINY = tinyModel("Tiny 滝", ["a", "b", "滝"]);

describe("files that come in, go and are handed over", () => {
  const home = newHome();
  const models = path.join(home, "models");
  const stick = path.join(home, "stick");
  const kept = path.join(models, named(TINY));
  let window;
  before(async () => {
    smallModels(models);
    fs.mkdirSync(stick);
    window = await openWindow({ home, models });
    await window.ready();
  });
  after(() => window?.close());

  const open = async () => {
    await window.by("settings").click();
    await window.by("open-ladders").click();
    await window.by("ladder-row").waitForExist({ timeout: 20_000 });
  };
  const said = (words) => window.browser.waitUntil(async () => (await window.by("ladders-said").getText()).includes(words), { timeout: 60_000, timeoutMsg: `it never said “${words}”` });
  /** What stands in every row of a list. */
  const rows = (list) => window.browser.execute((list) => [...document.querySelectorAll(`[data-testid="${list}"]`)].map((row) => row.textContent), list);
  const has = async (list, name) => (await rows(list)).some((row) => row.includes(name));
  /** Presses a button of a ladder, which may come into the list a moment after it is said to be there. */
  const press = (name, button) =>
    window.browser.waitUntil(
      () =>
        window.browser.execute(
          (name, button) => {
            const row = [...document.querySelectorAll('[data-testid="ladder-row"]')].find((row) => row.querySelector("h3").textContent.includes(name));
            const found = row?.querySelector(`[data-testid="${button}"]:enabled`);
            // Not before this call has come back: a dialog of the system may stand in its way.
            if (found) setTimeout(() => found.click());
            return !!found;
          },
          name,
          button,
        ),
      { timeout: 20_000, interval: 100, timeoutMsg: `“${name}” has no button ${button}` },
    );

  test("a whole model file that is dropped on the window is taken in", async () => {
    await window.drop("tiny.gguf", TINY);
    await said("“Tiny 滝” is in the list");
    await window.browser.waitUntil(async () => (await has("ladder-row", "Tiny 滝")) && (await has("model-row", "Tiny 滝")), { timeoutMsg: "it is not in the list" });
    assert.deepEqual(fs.readFileSync(kept), TINY);
  });

  test("as a draft for a model that splits text differently it is refused with that reason, unless it drafts by text", async () => {
    await window.by("ladder-make").click();
    await window.by("builder-target").selectByAttribute("value", "smollm2-135m");
    const draft = () =>
      window.browser.execute(() => {
        const draft = [...document.querySelectorAll('[data-testid="builder"] .draft')].find((draft) => draft.textContent.includes("Tiny 滝"));
        const box = draft?.querySelector('[data-testid="draft"]');
        return draft && { text: draft.textContent, disabled: box.disabled, checked: box.checked, described: (box.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim() };
      });
    await window.browser.waitUntil(draft, { timeoutMsg: "it is not among the drafts" });
    const refused = await draft();
    assert.match(refused.described, /“Tiny 滝” splits text differently/);
    assert.deepEqual([refused.disabled, refused.checked], [true, false]);
    await window.by("by-text-pick").click();
    await window.by("by-text-on").waitForExist();
    const byText = await draft();
    assert.deepEqual([byText.disabled, byText.checked], [false, true]);
    assert.doesNotMatch(byText.text, /splits text differently/);
    await window.browser.execute(() => document.querySelector('[data-testid="builder"] .buttons button').click());
  });

  test("a ladder is removed with its files, and no others", async () => {
    await press("Tiny 滝", "ladder-remove");
    await window.by("remove-view").waitForExist();
    assert.deepEqual((await rows("remove-file")).map((file) => file.split(" · ")[0]), ["Tiny 滝"]);
    assert.ok(fs.existsSync(kept));
    await window.by("remove-files").click();
    await said("of model files were deleted for good");
    assert.ok(!fs.existsSync(kept) && fs.existsSync(path.join(models, SMOLLM2)));
    await window.browser.waitUntil(async () => !(await has("ladder-row", "Tiny 滝")) && !(await has("model-row", "Tiny 滝")), { timeoutMsg: "it is still in the list" });
  });

  test("a ladder of one's own is written to a recipe, and to a folder with its files", async () => {
    await window.by("ladder-make").click();
    await window.by("builder-target").selectByAttribute("value", "smollm2-135m");
    await window.by("builder-name").setValue("Mill 水車");
    await window.by("builder-make").click();
    await said("Mill 水車");
    const recipe = path.join(home, "alone.taki.toml");
    await press("Mill 水車", "ladder-export");
    await window.by("hand-recipe").waitForExist();
    await choose(window, () => press("Mill 水車", "hand-recipe"), recipe);
    await said("alone.taki.toml");
    const written = fs.readFileSync(recipe, "utf8");
    assert.ok(written.includes("Mill 水車") && written.includes(path.parse(SMOLLM2).name), written);
    await press("Mill 水車", "ladder-export");
    await window.by("hand-files").waitForExist();
    await choose(window, () => press("Mill 水車", "hand-files"), stick);
    await said("mill.taki.toml");
    assert.equal(fs.readFileSync(path.join(stick, "mill.taki.toml"), "utf8"), written);
    const [model, ...more] = fs.readdirSync(stick).filter((name) => name.endsWith(".gguf"));
    assert.deepEqual([named(fs.readFileSync(path.join(stick, model))), more], [SMOLLM2, []]);
  });

  test("where nothing is it comes in from that folder, and answers", async () => {
    await window.close();
    const empty = newHome();
    const models = path.join(empty, "models");
    window = await openWindow({ home: empty, models });
    await open();
    await choose(window, () => window.browser.execute(() => void setTimeout(() => document.querySelector('[data-testid="ladder-add"]').click())), path.join(stick, "mill.taki.toml"));
    await said("“Mill 水車” is in the list");
    assert.deepEqual(fs.readdirSync(models).filter((name) => name.endsWith(".gguf")), [SMOLLM2]);
    await press("Mill 水車", "ladder-use");
    await window.browser.waitUntil(async () => (await rows("ladder-row")).some((row) => row.includes("Mill 水車") && row.includes("in use")), { timeout: 60_000, timeoutMsg: "it is not in use" });
    await window.by("ladders-close").click();
    await window.ready();
    await window.ask("Say hello.");
    const shown = await window.brief();
    assert.ok(shown.length === 2 && shown[1].text.length > 0, JSON.stringify(shown));
  });
});
