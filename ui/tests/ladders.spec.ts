// Models and ladders: the list, making one, taking files in, making models smaller.
import { expect } from "@playwright/test";
import { coder, ladderCard, modelCard, models, offeredModel, smollm2 } from "./mock/shelf";
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

test("an offered ladder that was fetched is none of one's own, and can be changed and removed all the same", async ({ page }) => {
  const fetched = ladderCard({ id: "gemma", name: "Gemma 3", own: false, changeable: true });
  await open(page, { ladders: [smollm2, fetched, mine] });
  await page.keyboard.press("Control+m");
  await expect(by(page, "ladder-row").filter({ hasText: "Gemma 3" }).getByTestId("ladder-remove")).toBeVisible();
  await by(page, "filter-own").check({ force: true });
  await expect(by(page, "ladder-row")).toHaveCount(1);
  await expect(by(page, "ladder-row")).toContainText("For work");
});

test("a removed ladder can be had back, and one in use is changed to", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await by(page, "builder-make").click();
  const row = by(page, "ladder-row").filter({ hasText: "Qwen2.5 Coder 1.5B" }).last();
  await by(page, "ladder-remove").click();
  await by(page, "ladder-undo").click();
  await expect.poll(() => calls(page, "restore_ladder")).toHaveLength(1);
  await row.getByTestId("ladder-use").click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: "mine" });
  await expect(row).toContainText("in use");
  await expect(row.getByTestId("ladder-remove")).toHaveCount(0);
});

test("files that no other ladder uses are deleted with it where that is wished, with names and sizes said before", async ({ page }) => {
  const files = [
    { hash: "big", name: "Qwen2.5 Coder 1.5B", bytes: 1_117_320_768 },
    { hash: "own", name: "Mine Q4_0", bytes: 391_400_064 },
  ];
  await open(page, { ladders: [smollm2, mine], give: { ladder_files: files } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-remove").click();
  await expect(by(page, "remove-file")).toHaveText(["Qwen2.5 Coder 1.5B · 1.1 GB", "Mine Q4_0 · 391 MB"]);
  await expect(by(page, "remove-only")).toBeFocused();
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(by(page, "ladder-remove"), "thought better of").toBeFocused();
  expect(await calls(page, "remove_ladder")).toEqual([]);
  await by(page, "ladder-remove").click();
  await by(page, "remove-files").click();
  expect((await calls(page, "remove_ladder"))[0]?.args).toEqual({ ladder: "mine", files: ["big", "own"] });
  await expect(by(page, "ladders-said")).toHaveText("1.5 GB of model files were deleted for good.");
  await expect(by(page, "ladder-row")).toHaveCount(1);
  await by(page, "ladder-undo").click();
  await expect.poll(() => calls(page, "restore_ladder")).toHaveLength(1);
});

const version = (id: string, bytes: number, agreement: number | null, pace: number | null, drafts = true) => ({ card: modelCard({ id, name: `SmolLM2 135M ${id}`, bytes }), agreement, pace, drafts });
const shrunk = { versions: [version("Q4_0", 77e6, 0.941, 52.3), version("IQ4_NL", 77e6, null, null, false), version("Q2_K", 54e6, 0.62, 61)], pace: 40.12, ended: null };

test("smaller versions are made one after the other, compared, and made a ladder of", async ({ page }) => {
  await open(page, { give: { made: shrunk } });
  await page.keyboard.press("Control+m");
  await by(page, "model-row").filter({ hasText: "SmolLM2" }).getByTestId("shrink").click();
  await expect(by(page, "shrink-mix").first()).toBeFocused();
  await expect(by(page, "shrink-mix").first(), "the usual one").toBeChecked();
  await by(page, "shrink-mix").nth(1).check();
  await expect(by(page, "shrink-room")).toHaveText("Takes about 131 MB of disk space.");
  await accessible(page);
  await by(page, "shrink-start").click();
  expect((await calls(page, "shrink_model"))[0]?.args).toMatchObject({ model: "smollm2-135m", mixes: ["Q4_0", "Q2_K"] });
  await page.evaluate(() => window.app.work({ at: 1, share: 0.4 }));
  await expect(by(page, "ladders-work")).toContainText("Making smaller versions of SmolLM2 135M … 42%");
  await expect(by(page, "shrink-steps").getByRole("listitem")).toHaveText(["Q4_0: done", "Q2_K: 40%", "Comparing: waits"]);
  await page.evaluate(() => window.app.work({ at: 2, share: 0.5 }));
  await expect(by(page, "ladders-work")).toContainText("80%");
  await expect(by(page, "ladder-add")).toBeDisabled();
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladders-said")).toHaveText("3 smaller versions were made. Not all of them are small enough to draft.");
  const rows = by(page, "versions-made").getByRole("row");
  await expect(rows).toHaveText([/Size/, /SmolLM2 135M\s*98 MB–40.1/, /Q4_0\s*77 MB94%52.3/, /IQ4_NL no smaller than another one\s*77 MB––/, /Q2_K\s*54 MB62%61/]);
  await accessible(page);
  await by(page, "version-pick").nth(1).uncheck();
  await by(page, "versions-make").click();
  expect((await calls(page, "make_ladder"))[0]?.args).toEqual({ name: "SmolLM2 135M with smaller versions", models: ["smollm2-135m", "Q4_0"], byText: false });
  await expect(by(page, "versions-made")).toHaveCount(0);
});

test("what was finished stays when the making of smaller versions is stopped", async ({ page }) => {
  await open(page, { give: { made: { versions: [version("Q4_0", 77e6, null, null)], pace: null, ended: { code: "cancelled", details: {} } } } });
  await page.keyboard.press("Control+m");
  await by(page, "shrink").first().click();
  await by(page, "shrink-start").click();
  await by(page, "shrink-stop").click();
  await expect.poll(() => calls(page, "stop_shrinking")).toHaveLength(1);
  await page.evaluate(() => window.app.end());
  await expect(by(page, "versions-made")).toContainText("What was finished stays.");
  await expect(by(page, "ladders-said")).toHaveText("SmolLM2 135M Q4_0 was made. It can draft in a ladder now.");
  await expect(page.getByRole("dialog").getByTestId("problem")).toHaveCount(0);
});

test("a file that the system wants opened is taken in where the models are", async ({ page }) => {
  await open(page, { give: { made: { ladder: "mine", name: "Mine" } } });
  await page.evaluate(() => window.app.handed(1));
  await page.evaluate(() => window.app.work(0.42));
  await expect(by(page, "ladders-work")).toContainText("42%");
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladders-said")).toContainText("Mine");
});

test("what goes wrong is told in the dialog itself", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  await page.evaluate(() => (window.app.refuse.add_file = { code: "not_gguf", details: { path: "/tmp/x.gguf" } }));
  await by(page, "ladder-add").click();
  await expect(page.getByRole("dialog")).toContainText("/tmp/x.gguf is not a GGUF model");
  await page.evaluate(() => delete window.app.refuse.add_file);
  await by(page, "ladder-add").click();
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladder-add")).toBeEnabled();
  await expect(page.getByRole("dialog")).not.toContainText("GGUF model");
});

const mine = ladderCard({ id: "mine", name: "For work", rungs: ["Qwen2.5 Coder 1.5B", "0.5B", "Max-Gram"], own: true, models: ["big", "small"], licences: [] });
const offered = ladderCard({ id: "gemma", name: "Gemma 3", licences: ["Gemma"], bytes: 4.7e9, missingBytes: 4.7e9, memoryBytes: 19e9, offered: true, fits: "not", pace: 3 });
const suggested = { ...coder, suggested: true, pace: 16, offered: true };

test("ladders are searched and filtered, with the number told and a way back from nothing", async ({ page }) => {
  await open(page, { ladders: [offered, suggested, smollm2, mine] });
  await page.keyboard.press("Control+m");
  const rows = by(page, "ladder-row");
  const names = async () => rows.getByRole("heading", { level: 3 }).allInnerTexts();
  await expect(rows).toHaveCount(4);
  expect((await names()).map((name) => name.split("\n")[0])).toEqual(["SmolLM2", "For work", "Qwen2.5 Coder", "Gemma 3"]);
  await expect(by(page, "suggested")).toHaveCount(1);
  await expect(by(page, "suggested-why")).toHaveText("By the speed measured on this computer: the largest that still writes fast enough, and fits the memory well.");
  await expect(rows.nth(2).getByTestId("pace")).toHaveText("writes about 12 words a second here");
  await expect(rows.nth(3).getByTestId("fits")).toHaveText("more than this computer can spare");
  await expect(rows.nth(3).getByTestId("offered")).toContainText("checked when it is fetched");

  // By keyboard alone: arrows choose among the filters.
  await by(page, "filter-all").focus();
  await page.keyboard.press("ArrowRight");
  await expect(by(page, "filter-here")).toBeChecked();
  await expect(rows).toHaveCount(2);
  await expect(by(page, "ladders-count")).toHaveText("2 ladders and 2 model files");
  await by(page, "filter-fits").check({ force: true });
  await expect(rows).toHaveCount(3);
  await by(page, "filter-own").check({ force: true });
  await expect(by(page, "ladders-count")).toHaveText("1 ladder and 0 model files");
  await by(page, "filter-fetch").check({ force: true });
  await by(page, "ladders-search").fill("gemma 4.7");
  await expect(rows).toHaveCount(1);
  await by(page, "ladders-search").fill("xyzzy");
  await expect(by(page, "ladders-none")).toContainText("No ladder fits what you look for.");
  await by(page, "ladders-none").getByRole("button", { name: "Show all" }).click();
  await expect(rows).toHaveCount(4);
  await expect(by(page, "ladders-search")).toBeFocused();
  await expect(by(page, "filter-all")).toBeChecked();
});

test("model files that are here come first, the others are behind a button, and what is looked for is found in both", async ({ page }) => {
  const [smol, big, small] = models;
  const made = modelCard({ id: "made", name: "Mine Q2_K", own: true, madeFrom: "Mine", bytes: 5e7 });
  const more = offeredModel({ id: "gemma", name: "Gemma 3", bytes: 4.7e9, licence: "Gemma" });
  await open(page, { ladders: [offered, suggested, smollm2, mine], give: { models: [small, more, smol, big, made] } });
  await page.keyboard.press("Control+m");
  const rows = by(page, "model-row");
  const others = by(page, "models-others");
  await expect(rows).toHaveText([/Qwen2.5 Coder 1.5B/, /SmolLM2 135M/, /Mine Q2_K/]);
  await expect(others).toHaveText("Not downloaded (2)");
  await others.focus();
  await page.keyboard.press("Enter");
  await expect(rows).toHaveCount(5);
  await accessible(page);
  await page.keyboard.press("Enter");
  await expect(rows).toHaveCount(3);

  await by(page, "ladders-search").fill("gemma");
  await expect(rows, "a hit is not hidden").toHaveText([/Gemma 3/]);
  await expect(by(page, "models-none")).toHaveText("No model file on this computer fits what you look for.");
  await others.click();
  await expect(rows, "folded by hand all the same").toHaveCount(0);
  await by(page, "ladders-search").fill("gemma 3");
  await expect(rows, "until something else is looked for").toHaveText([/Gemma 3/]);
  await by(page, "ladders-search").fill("Q4_K_M");
  await expect(rows, "by the type of its weights").toHaveCount(3);
  await by(page, "ladders-search").fill("");
  await by(page, "filter-fetch").check({ force: true });
  await expect(rows).toHaveText([/Gemma 3/, /Qwen2.5 Coder 0.5B/]);
  await by(page, "filter-own").check({ force: true });
  await expect(rows).toHaveText([/Mine Q2_K/]);
  await by(page, "filter-fits").check({ force: true });
  await expect(others).toHaveText("Not downloaded (1)");
  await by(page, "filter-here").check({ force: true });
  await expect(rows).toHaveCount(3);
  await expect(others).toHaveCount(0);
});

test("with no model file here that is said", async ({ page }) => {
  await open(page, { give: { models: [models[2]] } });
  await page.keyboard.press("Control+m");
  await expect(by(page, "models-none")).toContainText("There is none yet.");
  await expect(by(page, "model-row")).toHaveCount(0);
});

test("a double click deletes nothing", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  /** As it comes where the first half took away what it was meant for. */
  const second = async (name: string) => {
    await by(page, name).first().hover();
    await page.mouse.down({ clickCount: 2 });
    await page.mouse.up({ clickCount: 2 });
  };
  await second("model-delete");
  await expect(by(page, "model-delete-sure")).toHaveCount(0);
  await by(page, "model-delete").first().click();
  await second("model-delete-sure");
  expect(await calls(page, "remove_model")).toEqual([]);
  await page.evaluate((left) => (window.app.give.models = left), models.slice(0, 1));
  await by(page, "model-delete-sure").click();
  expect((await calls(page, "remove_model"))[0]?.args).toEqual({ model: "big" });
  await expect(by(page, "model-row")).toHaveCount(1);
  await expect(page.getByRole("group", { name: "Models and ladders" }), "where it was").toBeFocused();
});

test("what a model is can be looked up, and its hash copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page);
  await page.keyboard.press("Control+m");
  const row = by(page, "ladder-row").first();
  await row.getByTestId("ladder-details").click();
  const facts = row.getByTestId("model-facts");
  for (const fact of ["smollm2-135m.gguf", "Q4_K_M", "8,192 tokens", "llama", "Apache-2.0", "b179c9523d0e…"]) await expect(facts).toContainText(fact);
  await facts.getByRole("button").click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
  // Of one that is not here, only what is known is said.
  await by(page, "models-others").click();
  await by(page, "model-details").nth(2).click();
  await expect(by(page, "model-row").nth(2)).toContainText("More is known once it is downloaded.");
  await accessible(page);
});

test("a ladder is duplicated under a name of its own", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine] });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-row").first().getByTestId("ladder-copy").click();
  await expect(by(page, "ladders-said")).toContainText("SmolLM2 (copy)");
  expect((await calls(page, "copy_ladder"))[0]?.args).toEqual({ ladder: "smollm2", name: "SmolLM2 (copy)" });
  await expect(by(page, "ladder-row")).toHaveCount(3);
});

test("a draft that has nearly the same tokens can be chosen, and that is said", async ({ page }) => {
  const choices = [{ model: "smollm2-135m", problem: null, byText: false, nearly: true, known: true }];
  await open(page, { ladders: [smollm2, mine], give: { draft_choices: choices } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-make").click();
  await by(page, "builder-target").selectOption("big");
  await expect(by(page, "nearly")).toContainText("Nearly the same");
  await by(page, "draft").first().check();
  await accessible(page);
});

test("files that could not be deleted are told, and the ladder is gone and can be had back all the same", async ({ page }) => {
  const problem = { code: "folder_unwritable" as const, details: { path: "/models", reason: "Permission denied", variable: "TAKI_HOME" } };
  const files = [{ hash: "big", name: "Qwen2.5 Coder 1.5B", bytes: 1_117_320_768 }];
  await open(page, { ladders: [smollm2, mine], give: { ladder_files: files, remove_ladder: { deleted: [], problems: [problem] } } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-remove").click();
  await by(page, "remove-files").click();
  await expect(page.getByRole("dialog").getByText("/models")).toBeVisible();
  await expect(by(page, "ladder-undo")).toBeVisible();
});

test("a ladder of one's own is changed in the form it was made in", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine], give: { draft_choices: [{ model: "small", problem: null, byText: false, nearly: false, known: true }] } });
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

test("an earlier version is brought back", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine] });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-versions").click();
  await expect(by(page, "versions")).toHaveText("It was not changed yet.");
  await by(page, "ladder-versions").click();
  await page.evaluate(() => (window.app.give.ladder_versions = [{ version: 3, savedMs: 1_760_000_000_000, name: "At first", rungs: ["Qwen2.5 Coder 1.5B"] }]));
  await by(page, "ladder-versions").click();
  await expect(by(page, "version")).toContainText("2025");
  await by(page, "version-back").click();
  expect((await calls(page, "back_ladder"))[0]?.args).toEqual({ ladder: "mine", version: 3 });
  await expect(by(page, "ladders-said")).toHaveText("“At first” is back as it was.");
  await expect(by(page, "ladder-versions")).toBeFocused();
});

test("a ladder is handed on as a recipe or with its files", async ({ page }) => {
  await open(page, { ladders: [smollm2, coder], give: { export_ladder: "/tmp/smollm2.toml", made: "/media/usb/SmolLM2" } });
  await page.keyboard.press("Control+m");
  const [here, lacking] = [by(page, "ladder-row").nth(0), by(page, "ladder-row").nth(1)];
  await lacking.getByTestId("ladder-export").click();
  await expect(lacking.getByTestId("hand-recipe")).toBeFocused();
  await expect(lacking.getByTestId("hand-files"), "they are not here").toBeDisabled();
  await here.getByTestId("ladder-export").click();
  await here.getByTestId("hand-recipe").click();
  await expect(by(page, "ladders-said")).toHaveText("Saved as /tmp/smollm2.toml");
  await expect(here.getByTestId("ladder-export")).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.evaluate(() => window.app.work(0.25));
  await expect(by(page, "ladders-work")).toContainText("Copying the files of SmolLM2 … 25%");
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladders-said")).toHaveText("Saved as /media/usb/SmolLM2");
  expect((await calls(page, "hand_over"))[0]?.args.ladder).toBe("smollm2");
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

test("how fast it is here is tried, can be stopped, and another one is proposed", async ({ page }) => {
  await open(page, { give: { made: { alone: 10, cascade: 16, ratio: 1.6, better: "mine" } } });
  await page.keyboard.press("Control+m");
  const row = page.locator('[data-testid="ladder-row"][data-ladder="smollm2"]');
  await expect(by(page, "check-start"), "only of the one in use").toHaveCount(1);
  await row.getByTestId("check-start").click();
  await page.evaluate(() => window.app.work(0.3));
  await expect(row.getByTestId("check-running")).toContainText("30%");
  await expect(row.getByTestId("check-running")).toBeFocused();
  await row.getByTestId("check-stop").click();
  expect(await calls(page, "stop_check")).toHaveLength(1);
  await page.evaluate(
    ([smollm2, mine]) => {
      window.app.give.ladders = [{ ...smollm2, checked: window.app.give.made }, mine];
      window.app.end();
    },
    [smollm2, mine],
  );
  await expect(row.getByTestId("check-result")).toHaveText("Tried here: about 12 words a second, 1.6 times as fast as without the models that write ahead.");
  await expect(row.getByTestId("check-better")).toContainText("For work would write faster here.");
  await accessible(page);
  await row.getByTestId("check-use").click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: "mine" });
});

test("the dialog is used by keyboard alone, from the search to a download and back", async ({ page }) => {
  await open(page, { ladders: [smollm2, suggested] });
  await page.keyboard.press("Control+m");
  const tabTo = async (id: string) => {
    for (let step = 0; step < 12; step++) {
      if (await page.evaluate((id) => document.activeElement?.getAttribute("data-testid") === id, id)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`${id} is not reached`);
  };
  await tabTo("ladders-search");
  await page.keyboard.type("qwen");
  await expect(by(page, "ladder-row")).toHaveCount(1);
  await tabTo("ladder-download");
  await page.keyboard.press("Enter");
  expect(await calls(page, "download_ladder")).toHaveLength(1);
  // Its button has given way: the keyboard is still in the row.
  await expect(by(page, "ladder-details")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(by(page, "model-facts")).toHaveCount(2);
  // Escape first empties the search, then closes.
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  await expect(by(page, "ladders-search")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(by(page, "ladder-row")).toHaveCount(2);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(by(page, "composer")).toBeFocused();
});
