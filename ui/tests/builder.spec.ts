// The form that a ladder is made and changed in.
import { expect } from "@playwright/test";
import { mine, models, smollm2 } from "./mock/shelf";
import { accessible, by, calls, open, test } from "./window";

test("a ladder is made of what fits, with the reason where it does not", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  await by(page, "open-ladders").click();
  await by(page, "ladder-make").click();
  await expect(by(page, "builder-target")).toHaveValue("big");
  const drafts = by(page, "draft");
  await expect(drafts).toHaveCount(2);
  await expect(drafts.nth(1)).toBeDisabled();
  await expect(page.getByText("“SmolLM2 135M”").first()).toBeVisible();
  await expect(by(page, "memory-total")).toHaveText("about 1.5 GB of 16 GB of memory");
  await drafts.nth(0).check();
  await expect(by(page, "memory-total")).toHaveText("about 2.0 GB of 16 GB of memory");
  await by(page, "builder-name").fill("For work");
  await by(page, "builder-make").click();
  await expect(by(page, "ladders-said")).toHaveText("“For work” is in the list.");
  expect((await calls(page, "make_ladder"))[0]?.args).toEqual({ name: "For work", models: ["big", "small"], byText: false });
  await expect(by(page, "ladder-row")).toHaveCount(3);
  await by(page, "ladder-make").click();
  await expect(by(page, "ladders-said"), "something else has begun").toBeEmpty();
});

test("a click beside the dialog throws away nothing that is being filled in", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await by(page, "builder-name").fill("For work");
  await page.mouse.click(5, 5);
  await expect(by(page, "builder-name")).toHaveValue("For work");
  await page.keyboard.press("Escape");
  await expect(by(page, "builder-name")).toHaveCount(0);
  await page.mouse.click(5, 5);
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("the form follows what the terminal deletes meanwhile, with a word for what was chosen", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  const small = page.getByLabel("Qwen2.5 Coder 0.5B");
  await small.check();
  const left = (ids: string[]) =>
    page.evaluate((left) => {
      window.app.give.models = left;
      window.dispatchEvent(new Event("focus"));
    }, models.filter(({ id }) => ids.includes(id)));
  await left(["big", "smollm2-135m"]);
  await expect(by(page, "builder-gone")).toHaveText("No longer on this computer, and so no longer chosen: Qwen2.5 Coder 0.5B.");
  await expect(small).toHaveCount(0);
  await expect(by(page, "builder-target"), "that is still there").toHaveValue("big");
  await left(["smollm2-135m"]);
  await expect(by(page, "builder-gone")).toContainText("Qwen2.5 Coder 1.5B");
  await expect(by(page, "builder-target")).toHaveValue("");
  await expect(by(page, "builder-make")).toBeDisabled();
  await accessible(page);
  await by(page, "builder-target").selectOption("smollm2-135m");
  await expect(by(page, "builder-gone")).toBeEmpty();
  await by(page, "builder-make").click();
  expect((await calls(page, "make_ladder"))[0]?.args).toEqual({ name: "SmolLM2 135M", models: ["smollm2-135m"], byText: false });
});

test("a draft with another tokenizer is taken all the same, by text, and that can be taken back", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  const other = page.getByLabel("SmolLM2 135M");
  await expect(other).toBeDisabled();
  await by(page, "by-text-pick").click();
  await expect(other).toBeFocused();
  await expect(other).toBeChecked();
  await expect(by(page, "by-text-on")).toContainText("slower");
  await accessible(page);
  await page.keyboard.press("Space");
  await expect(other, "taken back").toBeDisabled();
  await expect(by(page, "by-text-pick")).toBeFocused();
  await by(page, "by-text-pick").click();
  await by(page, "builder-make").click();
  expect((await calls(page, "make_ladder"))[0]?.args).toEqual({ name: "Qwen2.5 Coder 1.5B", models: ["big", "smollm2-135m"], byText: true });
  const row = by(page, "ladder-row").filter({ has: page.getByTestId("by-text") });
  await expect(row).toHaveCount(1);
  await row.getByTestId("ladder-edit").click();
  await expect(other).toBeChecked();
  await other.uncheck();
  await by(page, "builder-make").click();
  expect((await calls(page, "change_ladder"))[0]?.args).toMatchObject({ models: ["big"], byText: false });
  await expect(by(page, "by-text")).toHaveCount(0);
});

test("a draft that has nearly the same tokens can be chosen, and that is said", async ({ page }) => {
  const choices = [{ model: "smollm2-135m", problem: null, byText: false, nearly: true, reads: null, known: true }];
  await open(page, { ladders: [smollm2, mine], give: { draft_choices: choices } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await by(page, "builder-target").selectOption("big");
  await expect(by(page, "nearly")).toContainText("Nearly the same");
  await by(page, "draft").first().check();
  await accessible(page);
});

test("a draft that reads as much as its target is warned of, and can be chosen all the same", async ({ page }) => {
  const able = { problem: null, byText: false, nearly: false, known: true };
  const other = { ...able, model: "smollm2-135m" };
  await open(page, { give: { draft_choices: [{ ...other, reads: 0.83 }, { ...able, model: "small", reads: 0.4 }] } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  const draft = page.getByLabel("SmolLM2 135M");
  await expect(by(page, "draft").last(), "behind the one that helps").toHaveId("draft-smollm2-135m");
  await expect(by(page, "reads")).toHaveText(/^For each word it reads 83% of what the model that answers reads/);
  await expect(draft).toHaveAccessibleDescription(/hardly be faster/);
  await draft.check();
  await expect(by(page, "reads"), "said of the chosen one too").toHaveCount(1);
  await accessible(page);
  await by(page, "builder-make").click();
  expect((await calls(page, "make_ladder"))[0]?.args).toMatchObject({ models: ["big", "smollm2-135m"] });
  // More than a target of which each word takes only a part; what cannot draft at all has a reason of its own.
  const problem = { code: "draft_too_large", details: { rung: "Qwen2.5 Coder 0.5B" } };
  await page.evaluate((choices) => (window.app.give.draft_choices = choices), [{ ...other, reads: 1 }, { ...able, problem, model: "small", reads: 2 }]);
  await by(page, "ladder-make").click();
  await expect(by(page, "reads")).toHaveText(/^For each word it reads more than the model that answers/);
});

test("a ladder of one's own is changed in the form it was made in", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine], give: { draft_choices: [{ model: "small", problem: null, byText: false, nearly: false, reads: null, known: true }] } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-edit").click();
  await expect(by(page, "builder-target")).toBeFocused();
  await expect(by(page, "builder-target")).toHaveValue("big");
  await expect(by(page, "builder-name")).toHaveValue("For work");
  await expect(by(page, "draft").first()).toBeChecked();
  await by(page, "draft").first().uncheck();
  await by(page, "builder-name").fill("For home");
  await by(page, "builder-make").click();
  await expect(by(page, "ladders-said")).toContainText("“For home” was changed.");
  expect((await calls(page, "change_ladder"))[0]?.args).toEqual({ ladder: "mine", name: "For home", models: ["big"], byText: false });
  await expect(by(page, "ladder-edit"), "where it was left").toBeFocused();
});

test("the memory bar names what would be left out, and says when nothing helps", async ({ page }) => {
  const share = { weights: 3e9, cache: 1e9, rest: 1e9, free: 4e9, leftOut: ["small"], fits: true, devices: [] };
  await open(page, { give: { ladder_memory: share } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await expect(by(page, "memory-free")).toHaveText("4.0 GB are free now");
  await expect(by(page, "memory-short")).toContainText("Qwen2.5 Coder 0.5B would be left out");
  await page.evaluate((share) => (window.app.give.ladder_memory = { ...share, fits: false }), share);
  await by(page, "draft").first().check();
  await expect(by(page, "memory-short")).toContainText("even without the models that write ahead");
});

test("memory is told for each device where layers go to one", async ({ page }) => {
  const card = { name: "NVIDIA GeForce RTX 4060", bytes: 3.5e9, total: 8e9, free: 7e9 };
  const share = { weights: 3e9, cache: 1e9, rest: 1e9, free: 9e9, leftOut: [], fits: true, devices: [card, { ...card, name: "Idle", bytes: 0 }] };
  await open(page, { give: { ladder_memory: share } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await expect(by(page, "memory-total"), "what the card holds is not needed here").toHaveText("Main memory: about 1.5 GB of 16 GB of memory");
  await expect(by(page, "memory-device")).toHaveText(/NVIDIA GeForce RTX 4060: about 3.5 GB of 8.0 GB\s*7.0 GB are free there/);
  await accessible(page);
});
