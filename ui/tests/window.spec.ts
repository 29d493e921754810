import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";
import type { ChatEvent, EngineState, Opening, Receipt } from "../src/backend";

const receipt: Receipt = {
  seconds: 9,
  first_token_seconds: 0.2,
  tokens: 90,
  prompt_tokens: 30,
  reused_tokens: 0,
  target_passes: 45,
  tokens_per_pass: 2,
  rungs: [
    { name: "SmolLM2 135M", role: "target", proposed: 45, accepted: 45, passes: 45, seconds: 8 },
    { name: "Max-Gram", role: "max_gram", proposed: 60, accepted: 45, passes: 0, seconds: 0 },
  ],
  alone_seconds: 15,
  speed_up: 1.66,
  cascade: true,
  stood_aside: null,
  exact: false,
  seed: 0,
  finish: "end",
  restarts: 0,
  left_out: [],
};

const by = (page: Page, id: string) => page.getByTestId(id);
const chat = (page: Page, event: ChatEvent) => page.evaluate((event) => window.app.chat(event), event);
const engine = (page: Page, state: EngineState) => page.evaluate((state) => window.app.engine(state), state);
const calls = (page: Page, name: string) => page.evaluate((name) => window.app.calls.filter((call) => call.name === name), name);

async function open(page: Page, change: Partial<Opening> = {}) {
  await page.addInitScript((change) => (window.setUp = (app) => Object.assign(app.opening, change)), change);
  await page.goto("/");
  await expect(page.getByTestId("composer")).toBeVisible();
}

async function ask(page: Page, text: string) {
  await by(page, "composer").fill(text);
  await by(page, "composer").press("Enter");
  await chat(page, { kind: "saved", message: 11, answer: 12 });
}

async function accessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

test("a question is answered word by word and gets a receipt", async ({ page }) => {
  await open(page);
  await accessible(page);
  await ask(page, "Why is the sea salty?");
  await expect(by(page, "message-user")).toHaveText("Why is the sea salty?");
  await expect(by(page, "composer")).toHaveValue("");
  await expect(by(page, "stop")).toBeVisible();
  await chat(page, { kind: "text", text: "Because <b>rivers" });
  await expect(page.getByTestId("message-text").last()).toHaveText("Because <b>rivers");
  await chat(page, { kind: "text", text: "</b> carry salt." });
  await accessible(page);
  await chat(page, { kind: "finished", receipt });
  await page.evaluate(() => window.app.end());
  await expect(page.getByTestId("message-text").last()).toHaveText("Because <b>rivers</b> carry salt.");
  await expect(by(page, "receipt")).toContainText("9.0 s instead of about 15.0 s");
  await expect(by(page, "speed-line")).toHaveText("Speed-up on · 1.7×");
  await by(page, "receipt").locator("summary").click();
  await expect(by(page, "receipt")).toContainText("2.00 tokens per pass");
  await expect(page.getByRole("status")).toHaveText("The answer is finished.");
  await expect(by(page, "send")).toBeVisible();
  await accessible(page);
});

test("stop works by button and by Escape, and the text stays", async ({ page }) => {
  await open(page);
  await ask(page, "Tell me a story.");
  await chat(page, { kind: "text", text: "Once upon" });
  await by(page, "stop").click();
  await page.keyboard.press("Escape");
  expect(await calls(page, "stop")).toHaveLength(2);
  await chat(page, { kind: "finished", receipt: { ...receipt, finish: "stopped" } });
  await page.evaluate(() => window.app.end());
  await expect(page.getByTestId("message-text").last()).toHaveText("Once upon");
  await expect(page.getByRole("status")).toHaveText("Stopped.");
});

test("Enter sends, but not with Shift, not while an input method composes, not when empty", async ({ page }) => {
  await open(page);
  const composer = by(page, "composer");
  await composer.press("Enter");
  await composer.fill("こんにちは");
  await composer.dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true });
  await composer.dispatchEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true });
  await composer.press("Shift+Enter");
  expect(await calls(page, "send")).toHaveLength(0);
  await expect(composer).toHaveValue("こんにちは\n");
  await composer.press("Enter");
  const sent = await calls(page, "send");
  expect(sent.map((call) => call.args.text)).toEqual(["こんにちは"]);
});

test("a refused message stays in the composer with its reason", async ({ page }) => {
  await open(page);
  await page.evaluate(() => (window.app.refuse.send = { code: "busy", details: {} }));
  await by(page, "composer").fill("Hello");
  await by(page, "composer").press("Enter");
  await expect(by(page, "problem")).toHaveAttribute("data-code", "busy");
  await expect(by(page, "composer")).toHaveValue("Hello");
  await accessible(page);
});

test("an answer that fails keeps its text and offers another try", async ({ page }) => {
  await open(page);
  await ask(page, "Hello");
  await chat(page, { kind: "text", text: "Half an" });
  await chat(page, { kind: "resuming", problem: { code: "worker_restarted", details: {} } });
  await expect(by(page, "problem")).toHaveAttribute("data-code", "worker_restarted");
  await chat(page, { kind: "failed", problem: { code: "worker_gave_up", details: {} } });
  await page.evaluate(() => window.app.end());
  await expect(by(page, "problem")).toHaveAttribute("data-code", "worker_gave_up");
  await expect(by(page, "problem-next")).not.toBeEmpty();
  await expect(page.getByTestId("message-text").last()).toHaveText("Half an");
  await by(page, "problem").getByRole("button").click();
  expect(await calls(page, "answer_again")).toHaveLength(1);
});

test("a stream without an end is an error", async ({ page }) => {
  await open(page);
  await ask(page, "Hello");
  await page.evaluate(() => window.app.end());
  await expect(by(page, "problem")).toHaveAttribute("data-code", "internal");
});

test("a model that is not there is offered, fetched with progress, and can be cancelled", async ({ page }) => {
  const ladder = { id: "smollm2", name: "SmolLM2", rungs: [], licences: ["Apache-2.0"], bytes: 98_362_432, missingBytes: 98_362_432 };
  await open(page, { engine: { kind: "empty" }, ladders: [ladder] });
  await expect(by(page, "speed-line")).toContainText("no model is loaded");
  await expect(by(page, "send")).toBeDisabled();
  await accessible(page);
  await by(page, "download").click();
  expect(await calls(page, "fetch_ladder")).toHaveLength(1);
  await engine(page, { kind: "fetching", ladder: "smollm2", doneBytes: 49e6, totalBytes: 98e6, secondsLeft: 40 });
  await expect(by(page, "engine-state")).toContainText("49 MB of 98 MB");
  await expect(by(page, "engine-state")).toContainText("about 40 s left");
  await accessible(page);
  await by(page, "engine-state").getByRole("button", { name: "Cancel" }).click();
  expect(await calls(page, "cancel_fetch")).toHaveLength(1);
  await engine(page, { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0.5 });
  await expect(by(page, "engine-state")).toContainText("SmolLM2 135M … 50%");
  await engine(page, { kind: "failed", problem: { code: "model_damaged", details: { path: "/models/x.gguf" } } });
  await expect(by(page, "problem-sentence")).toContainText("/models/x.gguf");
  await accessible(page);
});

test("settings change at once and are announced in both languages", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await by(page, "language-select").selectOption("ja");
  await expect(page.getByRole("heading", { name: "設定" })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await by(page, "theme-select").selectOption("dark");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await by(page, "speed-up-toggle").uncheck();
  await accessible(page);
  await by(page, "settings-close").click();
  await expect(by(page, "speed-line")).toContainText("高速化オフ");
  await accessible(page);
  const changes = await calls(page, "change_settings");
  expect(changes.at(-1)?.args.settings).toMatchObject({ language: "ja", theme: "dark", speedUp: false });
});

test("unsent text is kept and comes back; Ctrl+N begins anew", async ({ page }) => {
  await open(page, { conversation: { id: 5, messages: [], unsent: "half a thought" } });
  await expect(by(page, "composer")).toHaveValue("half a thought");
  await by(page, "composer").fill("half a thought more");
  await expect.poll(async () => (await calls(page, "save_unsent")).at(-1)?.args).toMatchObject({ conversation: 5, text: "half a thought more" });
  await page.keyboard.press("Control+n");
  await expect.poll(() => calls(page, "new_conversation")).toHaveLength(1);
});

test("a disk that refuses is a page of its own", async ({ page }) => {
  await page.addInitScript(() => {
    window.setUp = (app) => (app.refuse.open = { code: "folder_unwritable", details: { path: "/data", reason: "no permission" } });
  });
  await page.goto("/");
  await expect(by(page, "problem-sentence")).toContainText("/data");
  await accessible(page);
  await page.evaluate(() => (window.app.refuse = {}));
  await by(page, "problem").getByRole("button").click();
  await expect(by(page, "composer")).toBeVisible();
});
