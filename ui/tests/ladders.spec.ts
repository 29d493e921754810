// Models and ladders: the list, making one, taking files in, making models smaller.
import { expect } from "@playwright/test";
import { by, calls, open, test } from "./window";

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
  expect((await calls(page, "make_ladder"))[0]?.args).toEqual({ name: "For work", models: ["big", "small"] });
  await expect(by(page, "ladder-row")).toHaveCount(3);
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

test("a model is made smaller with its progress shown, and that can be stopped", async ({ page }) => {
  await open(page, { give: { made: { id: "new", name: "Qwen2.5 Q2_K", bytes: 1, installed: true, mixes: [] } } });
  await page.keyboard.press("Control+m");
  await by(page, "shrink").first().click();
  await by(page, "shrink-mix").selectOption("Q2_K");
  await by(page, "shrink-start").click();
  await page.evaluate(() => window.app.work(0.42));
  await expect(by(page, "ladders-work")).toContainText("42%");
  await expect(by(page, "ladder-add")).toBeDisabled();
  await by(page, "shrink-stop").click();
  await expect.poll(() => calls(page, "stop_shrinking")).toHaveLength(1);
  await page.evaluate(() => window.app.end());
  await expect(by(page, "ladders-said")).toHaveText("Qwen2.5 Q2_K was made. It can draft in a ladder now.");
  await expect(by(page, "ladders-work")).toHaveCount(0);
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
