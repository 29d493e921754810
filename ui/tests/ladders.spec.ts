// Models and ladders: the list, taking ladders in, handing them on, trying them.
import { expect } from "@playwright/test";
import { coder, ladderCard, mine, offered, smollm2, suggested } from "./mock/shelf";
import { accessible, ask, by, calls, chat, engine, open, receipt, test } from "./window";

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
  // Wherever one is in the dialog.
  await by(page, "ladders-close").focus();
  await page.keyboard.press("Control+z");
  await expect.poll(() => calls(page, "restore_ladder")).toHaveLength(1);
  await row.getByTestId("ladder-use").click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: "mine" });
  await expect(row).toContainText("in use");
  await expect(row.getByTestId("ladder-remove")).toHaveCount(0);
});

test("a ladder that was removed before is put back from below the lists", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine] });
  await page.keyboard.press("Control+m");
  await expect(by(page, "removed-ladders")).toHaveCount(0);
  await by(page, "ladder-remove").click();
  const removed = by(page, "removed-ladders");
  await expect(removed).toHaveText("Removed ladders (1)");
  await removed.click();
  await expect(by(page, "removed-ladder")).toContainText("For work");
  await accessible(page);
  await by(page, "removed-back").click();
  await expect.poll(() => calls(page, "restore_ladder")).toMatchObject([{ args: { ladder: "mine" } }]);
  await expect(by(page, "ladders-said")).toHaveText("“For work” is in the list again.");
  await expect(by(page, "ladder-row")).toHaveCount(2);
  await expect(removed).toHaveCount(0);
  await expect(by(page, "ladder-undo"), "what it would undo is undone").toHaveCount(0);
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

test("a file that the system wants opened is taken in where the models are", async ({ page }) => {
  const bad = { code: "not_gguf" as const, details: { path: "/tmp/bad.gguf" } };
  await open(page, { give: { made: { last: { ladder: "mine", name: "Mine" }, problems: [bad] } } });
  await page.evaluate(() => window.app.handed(1));
  await page.evaluate(() => window.app.work(0.42));
  await expect(by(page, "ladders-work")).toContainText("42%");
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladders-said")).toContainText("Mine");
  await expect(page.getByRole("dialog"), "a bad one beside it does not hide it").toContainText("/tmp/bad.gguf is not a GGUF model");
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

test("what came in or was made last is used from the notice once all of it is here", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine], give: { made: { ladder: "mine", name: "For work" } } });
  await page.keyboard.press("Control+m");
  const add = async () => {
    await by(page, "ladder-add").click();
    await page.evaluate(() => window.app.end());
    await expect(by(page, "ladders-said")).toHaveText("“For work” is in the list.");
  };
  await add();
  await expect(by(page, "added-use")).toHaveAccessibleDescription("“For work” is in the list.");
  await accessible(page);
  await by(page, "added-use").click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: "mine" });
  await expect(by(page, "ladders-said")).toHaveText("“For work” answers from now on.");
  await expect(by(page, "added-use")).toHaveCount(0);
  await expect(page.getByRole("group", { name: "Models and ladders" }), "its button is gone").toBeFocused();
  // It answers already.
  await add();
  await expect(by(page, "added-use")).toHaveCount(0);
  // Of another one a file is missing.
  await page.evaluate((card) => (window.app.opening.ladders.push(card), (window.app.give.made = { ladder: "other", name: "For work" })), { ...mine, id: "other", missingBytes: 5 });
  await add();
  await expect(by(page, "ladder-row")).toHaveCount(3);
  await expect(by(page, "added-use")).toHaveCount(0);
});

test("what cannot be used now says why", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine] });
  await ask(page, "Why?");
  await page.keyboard.press("Control+m");
  const use = by(page, "ladder-use");
  await expect(use).toBeDisabled();
  await expect(by(page, "use-later")).toHaveText("after this answer");
  await expect(use).toHaveAccessibleDescription(/For work.* after this answer/);
  await accessible(page);
  await chat(page, { kind: "finished", receipt });
  await page.evaluate(() => window.app.end());
  await expect(use).toBeEnabled();
  await expect(by(page, "use-later")).toHaveCount(0);
  await by(page, "check-start").click();
  await expect(by(page, "use-later")).toHaveText("once the trial is over");
});

test("a ladder that is chosen and not here is not said to be in use", async ({ page }) => {
  await open(page, { ladders: [{ ...smollm2, missingBytes: 5 }, mine], engine: { kind: "empty" } });
  await engine(page, { kind: "empty" });
  await page.keyboard.press("Control+m");
  await expect(by(page, "in-use")).toHaveText("chosen, not here yet");
  await accessible(page);
});

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

test("a ladder is duplicated under a name of its own", async ({ page }) => {
  await open(page, { ladders: [smollm2, mine] });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-row").first().getByTestId("ladder-copy").click();
  await expect(by(page, "ladders-said")).toContainText("SmolLM2 (copy)");
  expect((await calls(page, "copy_ladder"))[0]?.args).toEqual({ ladder: "smollm2", name: "SmolLM2 (copy)" });
  await expect(by(page, "ladder-row")).toHaveCount(3);
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
