// Every main state of the window, light in English and dark in Japanese: accessible, and with a picture to look at.
import { expect, type Page } from "@playwright/test";
import type { LadderCard, Opening, Problem } from "../src/backend";
import { accessible, ask, by, chat, engine, open, picture, receipt, test } from "./window";

const missing: LadderCard = {
  id: "smollm2",
  name: "SmolLM2",
  rungs: ["SmolLM2 135M", "Max-Gram"],
  licences: ["Apache-2.0"],
  bytes: 98_362_432,
  missingBytes: 98_362_432,
};

const damaged: Problem = { code: "model_damaged", details: { path: "/models/b179c952.gguf" } };

const answered: Opening["conversation"] = {
  id: 3,
  unsent: "",
  messages: [
    { id: 1, speaker: "user", text: "Why is the sea salty? 海はなぜ塩辛いのですか。", receipt: null, problem: null, atMs: 0 },
    {
      id: 2,
      speaker: "assistant",
      text: "Rivers dissolve minerals from rock and carry them to the sea.\n\nWater evaporates, the salt stays behind.\n  • sodium\n  • chloride",
      receipt: { ...receipt, exact: true },
      problem: null,
      atMs: 0,
    },
    { id: 3, speaker: "user", text: "Tell me a long story.", receipt: null, problem: null, atMs: 0 },
    { id: 4, speaker: "assistant", text: "Once upon a time", receipt: null, problem: null, atMs: 0 },
  ],
};

interface State {
  opening?: Partial<Opening>;
  go?: (page: Page) => Promise<void>;
}

const states: Record<string, State> = {
  empty: {},
  reading: {
    async go(page) {
      await ask(page, "Why is the sea salty?");
      await chat(page, { kind: "reading", done: 30, total: 60 });
      await expect(by(page, "message-assistant")).toContainText("50%");
    },
  },
  streaming: {
    async go(page) {
      await ask(page, "Why is the sea salty?\n海はなぜ塩辛いのですか。");
      await chat(page, { kind: "text", text: "Rivers carry salt. 川が塩を運ぶからです。" });
      await expect(by(page, "message-assistant")).toContainText("川");
    },
  },
  answered: {
    opening: { conversation: answered },
    async go(page) {
      await by(page, "receipt").first().locator("summary").click();
      await expect(by(page, "receipt").first().getByRole("table")).toBeVisible();
    },
  },
  "failed answer": {
    async go(page) {
      await ask(page, "Hello");
      await chat(page, { kind: "text", text: "Half an" });
      await chat(page, { kind: "failed", problem: { code: "worker_gave_up", details: {} } });
      await page.evaluate(() => window.app.end());
      await expect(by(page, "problem").getByRole("button")).toBeVisible();
    },
  },
  notice: { opening: { notices: [{ code: "settings_set_aside", details: { path: "/home/a/settings.toml", kept: "settings.toml.1" } }] } },
  download: { opening: { engine: { kind: "empty" }, ladders: [missing] } },
  fetching: {
    opening: { engine: { kind: "empty" }, ladders: [missing] },
    async go(page) {
      await engine(page, { kind: "fetching", ladder: "smollm2", doneBytes: 49e6, totalBytes: 98e6, secondsLeft: 40 });
      await expect(by(page, "engine-state").getByRole("progressbar")).toBeVisible();
    },
  },
  loading: { opening: { engine: { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0.6 } } },
  "failed engine": { opening: { engine: { kind: "failed", problem: damaged }, ladders: [missing] } },
  settings: {
    async go(page) {
      await by(page, "settings").click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  narrow: {
    opening: { conversation: answered },
    go: (page) => page.setViewportSize({ width: 420, height: 620 }),
  },
};

for (const [language, theme, page_] of [
  ["en", "light", "rgb(251, 253, 254)"],
  ["ja", "dark", "rgb(18, 25, 29)"],
] as const) {
  for (const [name, { opening, go }] of Object.entries(states)) {
    test(`${name}, ${theme}, ${language}: accessible`, async ({ page }) => {
      await open(page, { settings: { ladder: "smollm2", speedUp: true, exact: false, language, theme }, ...opening });
      // What watches the engine is told the state at once.
      if (opening?.engine) await engine(page, opening.engine);
      await go?.(page);
      await expect(page.locator("html")).toHaveAttribute("lang", language);
      await expect(page.locator("body")).toHaveCSS("background-color", page_);
      // Nothing may stick out of the window at the side.
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      await picture(page, name.replace(" ", "-"));
      await accessible(page);
    });
  }
}

test("a window that cannot open is accessible and says why", async ({ page }) => {
  await page.addInitScript(() => {
    window.setUp = (app) => (app.refuse.open = { code: "folder_unwritable", details: { path: "/data", reason: "no permission" } });
  });
  await page.goto("/");
  await expect(by(page, "problem-sentence")).toContainText("/data");
  await accessible(page);
});
