// What computes, as the settings tell it.
import { expect } from "@playwright/test";
import { by, calls, engine, open, settings, test } from "./window";

test("where the model's layers are is told, and a card can be left alone", async ({ page }) => {
  const loaded = { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] };
  const placed = [{ rung: "SmolLM2 135M", layers: 12, of: 31, devices: ["A card"], remote: false }];
  await open(page, { engine: { kind: "ready", loaded: { ...loaded, placed } }, settings: { ...settings, gpuLayers: 12 } });
  await page.keyboard.press("Control+,");
  const said = page.locator("#" + (await by(page, "gpu-select").getAttribute("aria-describedby")));
  await expect(said).toHaveText("A card: 12 of the model's 31 layers are there, the processor has the rest.");
  await expect(by(page, "gpu-select")).toHaveValue("12");
  await by(page, "gpu-select").selectOption({ label: "Leave it to other programs" });
  await expect(said).toHaveText("The processor computes; a card, if there is one, is left to other programs.");
  await by(page, "gpu-select").selectOption({ label: "As much as is fastest" });
  const changes = (await calls(page, "change_settings")).map((call) => (call.args as { settings: typeof settings }).settings.gpuLayers);
  expect(changes).toEqual([0, null]);
});

test("what computes is told with the reasons: the processor's module, the drafts' places, a card that is there and idle, one that failed", async ({ page }) => {
  const rated = [
    { file: "libggml-cpu-zen4.so", score: 1983 },
    { file: "libggml-cpu-haswell.so", score: 64 },
    { file: "libggml-cpu-sapphirerapids.so", score: 0 },
  ];
  const computedBy = { file: "libggml-cpu-zen4.so", rated };
  const loaded = { ladder: "smollm2", rungs: ["Big", "Small", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] };
  const rung = (rung: string, layers: number) => ({ rung, layers, of: 31, devices: layers > 0 ? ["A card"] : [], remote: false });
  await open(page, { engine: { kind: "loading", ladder: "smollm2", rung: "Big", fraction: 0.5 }, give: { devices: ["A card"] } });
  await page.keyboard.press("Control+,");
  const [processor, card] = [page.locator("#processor-hint"), page.locator("#gpu-hint")];
  await expect(processor).toHaveText("Told once a model is loaded.");
  await expect(card).toHaveText("Told once a model is loaded.");
  await engine(page, { kind: "ready", loaded: { ...loaded, computedBy, placed: [rung("Big", 0), rung("Small", 0)] } });
  await expect(by(page, "processor")).toHaveText("zen4");
  await expect(processor).toHaveText("Of 3 versions that came with Taki for processors 2 suit this one, and none of them uses more of it. It lacks what these need: sapphirerapids.");
  await expect(card).toHaveText("The processor computes. Not used: A card. No part of the model has room there, or answers would take longer with it.");
  await engine(page, { kind: "ready", loaded: { ...loaded, computedBy: { ...computedBy, rated: [] }, placed: [rung("Big", 0), rung("Small", 31)] } });
  await expect(processor).toContainText("there is nothing to choose from");
  await expect(card).toHaveText("The processor has the model itself. Small drafts on A card.");
  const leftOut = [{ rung: "A card", problem: { code: "device_lost" as const, details: { device: "A card" } } }];
  await engine(page, { kind: "ready", loaded: { ...loaded, leftOut, placed: [rung("Big", 0), rung("Small", 0)] } });
  await expect(card).toHaveText("The processor computes. What computes along, A card, failed or cannot be reached any more.");
  const slower = [{ rung: "A card", problem: { code: "device_slower" as const, details: { device: "A card", with: "20.0", without: "12.0" } } }];
  await engine(page, { kind: "ready", loaded: { ...loaded, leftOut: slower, placed: [rung("Big", 0), rung("Small", 0)] } });
  await expect(card).toHaveText("The processor computes. With A card every word would take longer (20.0 ms) than without it (about 12.0 ms).");
});

test("of other computers that were lost only their own row tells", async ({ page }) => {
  const loaded = { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] };
  const lost = "127.0.0.1:1, 127.0.0.1:2";
  const leftOut = [{ rung: lost, problem: { code: "device_lost" as const, details: { device: lost } } }];
  await open(page, { engine: { kind: "ready", loaded: { ...loaded, leftOut } }, settings: { ...settings, workers: lost.split(", ") }, give: { devices: [] } });
  await page.keyboard.press("Control+,");
  await expect(page.locator("#gpu-hint")).toHaveText("None that can be used was found: the processor computes.");
  await expect(page.locator("#workers-hint")).toContainText(`What computes along, ${lost}, failed`);
});

test("no card is said to be missing before anybody could look", async ({ page }) => {
  await open(page, { give: { devices: null } });
  await page.keyboard.press("Control+,");
  const card = page.locator("#gpu-hint");
  await expect(card).toHaveText("The processor computes.");
  await page.keyboard.press("Escape");
  await expect(page.locator("dialog")).toHaveCount(0);
  await page.evaluate(() => (window.app.give.devices = []));
  await page.keyboard.press("Control+,");
  await expect(card).toHaveText("None that can be used was found: the processor computes.");
});
