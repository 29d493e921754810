// The model files in "Models and ladders": the list of them, what each is, making smaller ones.
import { expect } from "@playwright/test";
import { mine, modelCard, models, offered, offeredModel, smollm2, suggested } from "./mock/shelf";
import { accessible, by, calls, open, test } from "./window";

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
  await by(page, "added-use").click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: "mine" });
  await expect(by(page, "ladders-said")).toHaveText("“SmolLM2 135M with smaller versions” answers from now on.");
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

test("whoever knows nothing of types begins with one press; what was made already is marked", async ({ page }) => {
  const mixes = ["Q8_0", "Q4_K_M", "Q4_0", "Q2_K"].map((name, at) => ({ name, bytes: 9e7 - at * 1e7 }));
  const original = modelCard({ id: "smol", name: "SmolLM2 135M", mix: "F16", mixes });
  const made = (mix: string, installed = true) => modelCard({ id: mix, name: `SmolLM2 135M ${mix}`, own: true, madeFrom: "SmolLM2 135M", mix, installed, bytes: 5e7 });
  const have = (...models: unknown[]) =>
    page.evaluate((models) => {
      window.app.give.models = models;
      window.dispatchEvent(new Event("focus"));
    }, models);
  // One that is gone is not there, whatever is known of it.
  await open(page, { give: { made: shrunk, models: [original, made("Q2_K"), made("Q4_0", false)] } });
  await page.keyboard.press("Control+m");
  const row = by(page, "model-row").first();
  const boxes = row.getByRole("checkbox");
  await row.getByTestId("shrink").click();
  await expect(row.getByRole("checkbox", { checked: true })).toHaveAttribute("data-mix", "Q4_0");
  await expect(row.locator("label", { hasText: "Q4_0" })).toContainText("recommended");
  await expect(boxes.nth(2)).toBeFocused();
  await expect(boxes.nth(2)).toHaveAccessibleDescription(/^If you do not know them, leave it at Q4_0: small and quick.*To answer by itself with less memory: Q4_K_M\.$/);
  await expect(row.locator("label", { has: page.getByTestId("shrink-made") })).toHaveText(/Q2_K.*made already/);
  await accessible(page);
  await boxes.nth(2).uncheck();
  await expect(row.getByTestId("shrink-room")).toHaveText("Choose at least one type.");
  await expect(row.getByTestId("shrink-start")).toBeDisabled();
  await page.keyboard.press("Escape");

  await have(original, made("Q2_K"), made("Q4_0"));
  await row.getByTestId("shrink").click();
  await expect(row.getByRole("checkbox", { checked: true })).toHaveAttribute("data-mix", "Q4_K_M");
  await expect(row.getByTestId("shrink-why")).toContainText("leave it at Q4_K_M: it answers nearly as well");
  await row.getByTestId("shrink-start").click();
  expect((await calls(page, "shrink_model"))[0]?.args).toMatchObject({ mixes: ["Q4_K_M"] });
  await page.evaluate(() => window.app.end());
  await have(original, ...["Q8_0", "Q4_K_M", "Q4_0", "Q2_K"].map((mix) => made(mix)));
  await row.getByTestId("shrink").click();
  await expect(row.getByTestId("shrink-why")).toHaveText("The usual types were made already.");
  await expect(row.getByRole("checkbox", { checked: true })).toHaveCount(0);
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
  for (const fact of ["smollm2-135m.gguf", "Q4_K_M", "8,192 tokens", "llama", "Layers30", "4f1c09ab77e2", "unsloth/SmolLM2-135M-Instruct-GGUF", "Apache-2.0", "b179c9523d0e…"]) await expect(facts).toContainText(fact);
  await facts.getByRole("button").click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
  // Of one that is not here, only what is known is said.
  await by(page, "models-others").click();
  await by(page, "model-details").nth(2).click();
  await expect(by(page, "model-row").nth(2)).toContainText("More is known once it is downloaded.");
  await accessible(page);
});

test("where a model comes from is told of what was made here and of files of one's own", async ({ page }) => {
  const made = modelCard({ id: "made", name: "SmolLM2 135M Q4_0", own: true, madeFrom: "SmolLM2 135M", mix: "Q4_0", bytes: 3 });
  await open(page, { give: { models: [made, { ...made, id: "gone", mix: "", bytes: 2 }, modelCard({ id: "own", name: "Mine", own: true, bytes: 1 })] } });
  await page.keyboard.press("Control+m");
  for (const details of await by(page, "model-details").all()) await details.click();
  const origins = by(page, "model-facts").locator("div", { hasText: "Comes from" }).locator("dd");
  await expect(origins).toHaveText(["made here from SmolLM2 135M, as Q4_0", "made here from SmolLM2 135M", "a file of your own"]);
});
