// Every state of "Models and ladders" and of downloads.
import { expect, type Page } from "@playwright/test";
import type { MixChoice } from "../../src/backend";
import { coder, download, ladderCard, modelCard, models, smollm2 } from "../mock/shelf";
import { ask, by, downloads, narrowed } from "../window";
import type { State } from "./states";

const mine = ladderCard({
  id: "mine",
  name: "仕事用 For work, with a long name that does not fit on one line",
  rungs: ["Qwen2.5 Coder 1.5B", "Qwen2.5 Coder 0.5B", "Max-Gram"],
  own: true,
  models: ["big", "small"],
  bytes: 1.6e9,
  memoryBytes: 11e9,
  fits: "tight",
  pace: 16,
  checked: { alone: 16, cascade: 22, ratio: 1.4, better: null },
});
const suggested = { ...coder, suggested: true, pace: 14, offered: true };
const huge = ladderCard({
  id: "gemma",
  name: "Gemma 3 27B",
  licences: ["Gemma"],
  bytes: 16e9,
  missingBytes: 16e9,
  memoryBytes: 19e9,
  offered: true,
  fits: "not",
  pace: 0.9,
  about: { en: "Large and careful: long texts, many languages.", ja: "大きく丁寧なモデルです。長い文章や多くの言語に。" },
});
const ladders = [smollm2, suggested, huge, mine];

async function dialog(page: Page) {
  await page.keyboard.press("Control+m");
  await expect(by(page, "model-row")).toHaveCount(2);
}

export const laddersAndDownloads: Record<string, State> = {
  "models and ladders": { start: { ladders }, go: dialog },
  "models and ladders below": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "shrink").first().click();
      await by(page, "models-others").click();
      await by(page, "model-details").last().click();
      await by(page, "model-details").last().scrollIntoViewIfNeeded();
    },
  },
  "models and ladders narrow": {
    start: { ladders },
    async go(page) {
      await narrowed(page);
      await dialog(page);
    },
  },
  "ladders filtered": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "filter-fetch").check({ force: true });
      await by(page, "ladders-search").fill("qwen");
      await by(page, "ladder-details").first().click();
      await expect(by(page, "model-facts").first()).toBeVisible();
    },
  },
  "ladders without a hit": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "ladders-search").fill("xyzzy");
      await expect(by(page, "ladders-none")).toBeVisible();
    },
  },
  "none of one's own": {
    async go(page) {
      await dialog(page);
      await by(page, "filter-own").check({ force: true });
      await expect(by(page, "ladders-none")).toBeVisible();
    },
  },
  "removed ladders": {
    start: {
      ladders,
      give: {
        removed_ladders: [
          { ladder: "old", name: "仕事用 For work, with a long name that does not fit on one line", rungs: ["Qwen2.5 Coder 1.5B", "Qwen2.5 Coder 0.5B", "Max-Gram"], removedMs: 1_790_000_000_000 },
          { ladder: "older", name: "Letters", rungs: ["SmolLM2 135M", "Max-Gram"], removedMs: 0 },
        ],
      },
    },
    async go(page) {
      await dialog(page);
      await by(page, "removed-ladders").click();
      await expect(by(page, "removed-ladder")).toHaveCount(2);
      await by(page, "removed-back").last().scrollIntoViewIfNeeded();
    },
  },
  "downloads in the dialog": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await downloads(
        page,
        download("qwen-coder", "Qwen2.5 Coder", "running", 4e8, 1.6e9, 190),
        download("a", "Llama 3.2 3B", "paused", 1.2e9, 4.7e9),
        download("b", "Phi 4 mini", { kind: "failed", problem: { code: "download_failed", details: { name: "Phi 4 mini", reason: "connection reset" } } }),
        download("c", "Mistral 7B", "checking", 4e9, 4.4e9),
        download("d", "Sarashina 2.2", "asking"),
        download("gemma", "Gemma 3 27B", "waiting"),
        download("e", "TinySwallow", "ready", 1e9, 1e9),
        download("f", "Mistral Small", { kind: "interrupted", problem: { code: "download_interrupted", details: { name: "Mistral Small", reason: "too many requests (429)" } } }, 4e9, 14e9),
      );
      await expect(by(page, "downloads").getByTestId("download-row")).toHaveCount(8);
    },
  },
  "a better model on its way": { go: (page) => downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", 4e8, 1.6e9, 190), download("gemma", "Gemma 3 27B", "waiting")) },
  "a download that failed": {
    go: (page) => downloads(page, download("qwen-coder", "Qwen2.5 Coder", { kind: "failed", problem: { code: "download_failed", details: { name: "Qwen2.5 Coder", reason: "connection reset" } } })),
  },
  "a ladder in the making": {
    start: { give: { ladder_memory: { weights: 4e9, cache: 1.2e9, rest: 0.4e9, free: 5e9, leftOut: ["small"], fits: true, devices: [] } } },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-make").click();
      await expect(by(page, "memory-bar")).toBeVisible();
      await by(page, "draft").first().check();
    },
  },
  "a ladder whose model is gone": {
    async go(page) {
      await dialog(page);
      await by(page, "ladder-make").click();
      await page.evaluate((left) => {
        window.app.give.models = left;
        window.dispatchEvent(new Event("focus"));
      }, models.slice(0, 1));
      await expect(by(page, "builder-gone")).not.toBeEmpty();
    },
  },
  "a ladder on a graphics card": {
    start: {
      give: {
        ladder_memory: {
          weights: 4e9,
          cache: 1.2e9,
          rest: 0.4e9,
          free: 9e9,
          leftOut: [],
          fits: true,
          devices: [
            { name: "NVIDIA GeForce RTX 4060", bytes: 4.1e9, total: 8.2e9, free: 7.4e9 },
            { name: "127.0.0.1:50052", bytes: 0.7e9, total: 16e9, free: 11e9 },
          ],
        },
      },
    },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-make").click();
      await expect(by(page, "memory-device")).toHaveCount(2);
    },
  },
  "a ladder that is changed": {
    start: { ladders, give: { ladder_memory: { weights: 9e9, cache: 3e9, rest: 1e9, free: 5e9, leftOut: ["small"], fits: false, devices: [] } } },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-edit").click();
      await expect(by(page, "memory-short")).not.toBeEmpty();
    },
  },
  "earlier versions": {
    start: {
      ladders: [mine],
      give: {
        ladder_versions: [
          { version: 2, savedMs: 1_790_000_000_000, name: "For work", rungs: ["Qwen2.5 Coder 1.5B", "Qwen2.5 Coder 0.5B"] },
          { version: 1, savedMs: 1_780_000_000_000, name: "仕事用", rungs: ["Qwen2.5 Coder 1.5B"] },
        ],
      },
    },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-versions").click();
      await expect(by(page, "version")).toHaveCount(2);
    },
  },
  "handing on": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-export").first().click();
      await expect(by(page, "hand-recipe")).toBeFocused();
    },
  },
  "a model made smaller": {
    start: {
      ladders,
      give: {
        made: {
          versions: [
            { card: modelCard({ id: "a", name: "SmolLM2 135M Q4_0", bytes: 77e6 }), agreement: 0.94, pace: 52.3, drafts: true },
            { card: modelCard({ id: "b", name: "SmolLM2 135M IQ4_NL", bytes: 77e6 }), agreement: null, pace: null, drafts: false },
            { card: modelCard({ id: "c", name: "SmolLM2 135M Q2_K", bytes: 54e6 }), agreement: 0.6, pace: 61, drafts: true },
          ],
          pace: 40,
          ended: null,
        },
      },
    },
    async go(page) {
      await dialog(page);
      await by(page, "shrink").first().click();
      await by(page, "shrink-start").click();
      await page.evaluate(() => window.app.end());
      await expect(by(page, "ladders-said")).not.toBeEmpty();
    },
  },
  "models on their way to be smaller": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "shrink").first().click();
      await by(page, "shrink-mix").nth(1).check();
      await by(page, "shrink-start").click();
      await page.evaluate(() => window.app.work({ at: 1, share: 0.4 }));
      await expect(by(page, "shrink-steps")).toBeVisible();
    },
  },
  "a ladder about to go with its files": {
    start: { ladders, give: { ladder_files: [{ hash: "big", name: "Qwen2.5 Coder 1.5B", bytes: 1.1e9 }, { hash: "small", name: "Qwen2.5 Coder 0.5B", bytes: 4.9e8 }] } },
    async go(page) {
      await dialog(page);
      await by(page, "ladder-remove").click();
      await expect(by(page, "remove-only")).toBeFocused();
    },
  },
  "making a model smaller": {
    start: {
      ladders,
      give: {
        models: [
          modelCard({ id: "own", name: "Llama 3.2 3B Instruct", mix: "F16", bytes: 6.4e9, mixes: [["Q8_0", 3.4e9], ["Q6_K", 2.6e9], ["Q5_K_M", 2.3e9], ["Q4_K_M", 2e9], ["Q4_0", 1.9e9], ["IQ4_NL", 1.9e9], ["Q3_K_M", 1.7e9], ["Q2_K", 1.4e9]].map(([name, bytes]) => ({ name, bytes })) as MixChoice[] }),
          modelCard({ id: "made", name: "Llama 3.2 3B Instruct Q2_K", own: true, madeFrom: "Llama 3.2 3B Instruct", mix: "Q2_K", bytes: 1.4e9 }),
        ],
      },
    },
    async go(page) {
      await dialog(page);
      await by(page, "model-details").last().click();
      await by(page, "shrink").first().click();
      await by(page, "shrink-view").scrollIntoViewIfNeeded();
    },
  },
  "drafts that read much": {
    start: {
      give: {
        models: [...models, modelCard({ id: "other", name: "Qwen3 4B", bytes: 1e9 })],
        draft_choices: ["smollm2-135m", "small", "other"].map((model, at) => ({ model, problem: null, byText: false, nearly: at === 1, reads: [0.1, 0.85, 1.6][at], known: true })),
      },
    },
    async go(page) {
      await page.keyboard.press("Control+m");
      await by(page, "ladder-make").click();
      await expect(by(page, "reads")).toHaveCount(2);
      await by(page, "draft").last().check();
    },
  },
  "one that was made just now, during an answer": {
    start: { ladders, give: { made: { ladder: "mine", name: mine.name } } },
    async go(page) {
      await ask(page, "Why?");
      await dialog(page);
      await by(page, "ladder-add").click();
      await page.evaluate(() => window.app.end());
      await expect(by(page, "added-use")).toBeDisabled();
    },
  },
  "chosen and not here": {
    start: { ladders: [{ ...smollm2, missingBytes: 5 }, mine], engine: { kind: "empty" } },
    async go(page) {
      await dialog(page);
      await expect(by(page, "in-use")).toBeVisible();
    },
  },
  "a draft by text": {
    start: { ladders: [smollm2, { ...mine, byText: true }] },
    async go(page) {
      await dialog(page);
      await expect(by(page, "by-text")).toBeVisible();
      await by(page, "ladder-make").click();
      await by(page, "by-text-pick").click();
      await expect(by(page, "by-text-on")).toBeVisible();
    },
  },
  "a file that is dropped": {
    start: { ladders },
    async go(page) {
      await page.evaluate(() => window.app.hold.push("drop_end"));
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(9)], "a-model-with-a-rather-long-name-Q4_K_M.gguf"));
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
      });
      await expect(by(page, "ladders-work")).toBeVisible();
    },
  },
  "trying how fast it is": {
    start: { ladders },
    async go(page) {
      await dialog(page);
      await by(page, "check-start").click();
      await page.evaluate(() => window.app.work(0.42));
      await expect(by(page, "check-running")).toBeVisible();
    },
  },
  "tried how fast it is": {
    start: { ladders: [{ ...smollm2, checked: { alone: 20, cascade: 16, ratio: 0.8, better: "qwen-coder" } }, { ...coder, missingBytes: 0 }] },
    async go(page) {
      await dialog(page);
      await expect(by(page, "check-better")).toBeVisible();
    },
  },
  "settings of downloads": {
    async go(page) {
      await by(page, "settings").click();
      await by(page, "token-field").fill("hf_secret");
      await by(page, "token-keep").click();
      await by(page, "token-kept").scrollIntoViewIfNeeded();
    },
  },
};
