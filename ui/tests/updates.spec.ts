// Newer versions: where they are looked for, what is found, and how they get in place.
import { expect, type Page } from "@playwright/test";
import type { UpdatesAbout, UpdateState } from "../src/backend";
import { accessible, ask, by, calls, engine, open, settings, test } from "./window";

const address: UpdatesAbout = { version: "0.1.0", from: { kind: "address", address: "https://updates.example.com/latest.json" } };

const update = (page: Page, state: UpdateState) => page.evaluate((state) => window.app.update(state), state);

async function section(page: Page, about: UpdatesAbout = address) {
  await open(page, { give: { updates_about: about } });
  await by(page, "settings").click();
  return page.getByRole("region", { name: "Updates" });
}

test("as it comes nothing is looked for, and that is said", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  const updates = page.getByRole("region", { name: "Updates" });
  await expect(updates).toContainText("Version 0.1.0");
  await expect(updates).toContainText("No address for updates is set, so nothing is looked for.");
  await expect(by(page, "update-turn")).toHaveCount(0);
  expect(await calls(page, "look_for_update")).toHaveLength(0);
});

for (const [kind, words] of [
  ["off", "Updates are switched off."],
  ["no_package", "was built on this computer"],
  ["no_key", "has no key to check updates with"],
] as const) {
  test(`where there are none, why is said: ${kind}`, async ({ page }) => {
    const updates = await section(page, { version: "0.1.0", from: { kind } });
    await expect(updates).toContainText(words);
    await expect(by(page, "update-turn")).toHaveCount(0);
  });
}

test("one is looked for, fetched and installed with one button, by keyboard", async ({ page }) => {
  const updates = await section(page);
  await expect(updates).toContainText("looked for at https://updates.example.com/latest.json");
  const turn = by(page, "update-turn");
  const said = by(page, "update-said");
  await expect(said, "it is there before anything is said").toBeAttached();
  await turn.focus();
  await page.keyboard.press("Enter");
  expect(await calls(page, "look_for_update")).toHaveLength(1);
  await update(page, { kind: "looking" });
  await expect(said).toHaveText("Looking for updates …");
  await update(page, { kind: "found", version: "0.2.0", notes: "<b>New</b>: rivers" });
  await expect(said).toHaveText("Version 0.2.0 is available.");
  await expect(by(page, "update-notes"), "it is plain text").toHaveText("<b>New</b>: rivers");
  await expect(turn).toBeFocused();
  await page.keyboard.press("Enter");
  expect(await calls(page, "install_update")).toHaveLength(1);
  await update(page, { kind: "fetching", version: "0.2.0", progress: { doneBytes: 10e6, totalBytes: 34e6, secondsLeft: 40 } });
  await expect(by(page, "update-state")).toContainText("10 MB of 34 MB, about 40 s left");
  await expect(said, "figures are not read out").toHaveText("Version 0.2.0 is on its way.");
  await expect(updates.getByRole("progressbar")).toHaveAttribute("value", "10000000");
  await page.keyboard.press("Enter");
  expect(await calls(page, "stop_update")).toHaveLength(1);
  await update(page, { kind: "installing", version: "0.2.0" });
  await expect(turn).toBeDisabled();
  await page.keyboard.press("Enter");
  expect(await calls(page, "install_update")).toHaveLength(1);
  await update(page, { kind: "installed", version: "0.2.0" });
  await expect(said).toHaveText("Version 0.2.0 is installed. Taki uses it after a restart.");
  await page.keyboard.press("Enter");
  await expect.poll(() => calls(page, "restart")).toHaveLength(1);
  await accessible(page);
});

test("what was refused is said, and it can be looked for again", async ({ page }) => {
  await section(page);
  await update(page, { kind: "failed", problem: { code: "update_refused", details: { reason: "it is announced as version 9 but was signed as version 1" } } });
  await expect(by(page, "update-state")).toContainText("announced as version 9 but was signed as version 1");
  await expect(by(page, "update-state")).toContainText("Taki stays as it is.");
  await by(page, "update-turn").click();
  expect(await calls(page, "look_for_update")).toHaveLength(1);
});

test("a restart is left for later, and what it would end is said before", async ({ page }) => {
  await open(page, { give: { updates_about: address } });
  await ask(page, "Why is the sea salty?");
  await update(page, { kind: "installed", version: "0.2.0" });
  await by(page, "update-note").click();
  await expect(by(page, "update-state")).toContainText("An answer that is being written ends at the restart");
  await by(page, "update-later").click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(await calls(page, "restart")).toHaveLength(0);
  await expect(by(page, "update-note"), "it can be had later").toBeVisible();
});

test("where another version was put in the program's place meanwhile, a restart is what helps", async ({ page }) => {
  await open(page);
  await engine(page, { kind: "failed", problem: { code: "program_replaced", details: { version: "0.2.0" } } });
  const card = by(page, "engine-state").getByTestId("problem");
  await expect(card).toContainText("another version (0.2.0)");
  await card.getByRole("button").click();
  await expect.poll(() => calls(page, "restart")).toHaveLength(1);
});

test("where updates come from is a setting that is asked anew, and refused where it is typed", async ({ page }) => {
  await section(page);
  await by(page, "updates-field").fill("/srv/taki");
  await by(page, "updates-field").press("Tab");
  await expect.poll(() => calls(page, "updates_about")).toHaveLength(2);
  const changed = (await calls(page, "change_settings")).at(-1)?.args.settings as { updates: string };
  expect(changed.updates).toBe("/srv/taki");
  await by(page, "updates-daily-toggle").check();
  await expect.poll(async () => ((await calls(page, "change_settings")).at(-1)?.args.settings as { updatesDaily: boolean }).updatesDaily).toBe(true);
  await page.evaluate(() => (window.app.refuse.change_settings = { code: "setting_invalid", details: { name: "updates", value: "http://a", reason: "it is no address" } }));
  await by(page, "updates-field").fill("http://a");
  await by(page, "updates-field").press("Tab");
  await expect(by(page, "updates-field")).toHaveAttribute("aria-invalid", "true");
});

test("what the administrator has laid down cannot be changed", async ({ page }) => {
  await open(page, { locked: ["updates", "updatesDaily"], settings: { ...settings, updates: "off" }, give: { updates_about: { version: "0.1.0", from: { kind: "off" } } } });
  await by(page, "settings").click();
  await expect(by(page, "updates-field")).toBeDisabled();
  await expect(by(page, "updates-daily-toggle")).toBeDisabled();
});
