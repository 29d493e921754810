import { expect } from "@playwright/test";
import { ask, by, calls, chat, conversation, downloads, engine, open, receipt, settings, test } from "./window";
import { download, smollm2 } from "./mock/shelf";

test("a question is answered word by word and gets a receipt", async ({ page }) => {
  await open(page);
  await ask(page, "Why is the sea salty?");
  await expect(by(page, "message-text").first()).toHaveText("Why is the sea salty?");
  await expect(by(page, "composer")).toHaveValue("");
  await expect(by(page, "stop")).toBeVisible();
  await chat(page, { kind: "text", text: "Because <b>rivers" });
  await expect(page.getByTestId("message-text").last()).toHaveText("Because <b>rivers");
  await chat(page, { kind: "text", text: "</b> carry salt." });
  await chat(page, { kind: "finished", receipt });
  await page.evaluate(() => window.app.end());
  await expect(page.getByTestId("message-text").last()).toHaveText("Because <b>rivers</b> carry salt.");
  await expect(by(page, "receipt")).toContainText("9.0 s instead of about 15.0 s");
  await expect(by(page, "speed-line")).toHaveText("Speed-up on · 1.7×");
  await by(page, "receipt").locator("> summary").click();
  await expect(by(page, "receipt")).toContainText("SmolLM2 135M 50% (45 tokens)");
  await expect(by(page, "said")).toHaveText("The answer is finished.");
  await expect(by(page, "send")).toBeVisible();
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
  await expect(by(page, "said")).toHaveText("Stopped.");
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

test("what an input method composes is sent when it is done, in the order of each engine", async ({ page, context }) => {
  await open(page);
  const composer = by(page, "composer");
  await composer.focus();
  const system = await context.newCDPSession(page);
  const compose = (text: string) => system.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
  await compose("たき");
  await compose("滝");
  await expect(composer).toHaveValue("滝");
  // Chromium: the key that chooses comes while it composes.
  await composer.dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true });
  await system.send("Input.insertText", { text: "滝" });
  expect(await calls(page, "send")).toHaveLength(0);
  // WebKit: it comes behind the end.
  await compose("の水");
  await system.send("Input.insertText", { text: "の水" });
  await composer.dispatchEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true, cancelable: true });
  expect(await calls(page, "send")).toHaveLength(0);
  await expect(composer).toHaveValue("滝の水");
  await page.keyboard.press("Enter");
  await expect.poll(() => calls(page, "send")).toHaveLength(1);
  expect((await calls(page, "send"))[0]!.args).toMatchObject({ text: "滝の水" });
});

test("a key of an input method stops no answer, and the page is not read again in the middle of one", async ({ page }) => {
  await open(page);
  await ask(page, "Tell me a story.");
  await by(page, "composer").dispatchEvent("keydown", { key: "Escape", isComposing: true, bubbles: true });
  await by(page, "composer").dispatchEvent("keydown", { key: "Escape", keyCode: 229, bubbles: true });
  expect(await calls(page, "stop")).toHaveLength(0);
  await chat(page, { kind: "text", text: "Once upon a time" });
  await page.keyboard.press("F5");
  await page.keyboard.press("Control+r");
  await expect(page.getByTestId("message-text").last()).toHaveText("Once upon a time");
  expect(await calls(page, "open")).toHaveLength(1);
  // The engine's own menu offers to read the page again; where text can be copied or pasted it stays.
  const shown = (id: string) => by(page, id).evaluate((at) => at.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true })));
  expect([await shown("speed-line"), await shown("composer")]).toEqual([false, true]);
  await page.evaluate(() => getSelection()?.selectAllChildren(document.querySelector("[data-testid=message-text]")!));
  expect(await shown("speed-line")).toBe(true);
});

test("a refused message stays in the composer with its reason", async ({ page }) => {
  await open(page);
  await page.evaluate(() => (window.app.refuse.send = { code: "busy", details: {} }));
  await by(page, "composer").fill("Hello");
  await by(page, "composer").press("Enter");
  await expect(by(page, "problem")).toHaveAttribute("data-code", "busy");
  await expect(by(page, "composer")).toHaveValue("Hello");
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
  const ladder = { ...smollm2, missingBytes: smollm2.bytes };
  await open(page, { engine: { kind: "empty" }, ladders: [ladder] });
  await expect(by(page, "speed-line")).toContainText("no model is loaded");
  await expect(by(page, "send")).toBeDisabled();
  await by(page, "download").click();
  expect((await calls(page, "download_ladder")).map((call) => call.args)).toEqual([{ ladder: "smollm2", thenUse: true, first: true }]);
  await downloads(page, download("smollm2", "SmolLM2", "running", 49e6, 98e6, 40));
  await expect(by(page, "engine-state")).toContainText("49 MB of 98 MB");
  await expect(by(page, "engine-state")).toContainText("about 40 s left");
  await expect(by(page, "download")).toHaveCount(0);
  await by(page, "download-drop").click();
  expect(await calls(page, "drop_download")).toHaveLength(1);
  await downloads(page);
  await engine(page, { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0.5 });
  await expect(by(page, "engine-state")).toContainText("SmolLM2 135M … 50%");
  await engine(page, { kind: "failed", problem: { code: "model_damaged", details: { path: "/models/x.gguf", model: "x" } } });
  await expect(by(page, "problem-sentence")).toContainText("/models/x.gguf");
});

test("a better model is fetched while the one at hand goes on answering", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await by(page, "ladder-select").selectOption("qwen-coder");
  await expect(by(page, "ladder-select"), "it is not here yet").toHaveValue("smollm2");
  expect((await calls(page, "download_ladder")).map((call) => call.args)).toEqual([{ ladder: "qwen-coder", thenUse: true, first: false }]);
  expect(await calls(page, "change_settings")).toHaveLength(0);
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", 0));
  await expect(by(page, "moved"), "it is told where one is").toHaveText("The download of Qwen2.5 Coder has begun.");
  await page.keyboard.press("Escape");
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", 4e8, 1.6e9, 240));
  const now = by(page, "download-now");
  await expect(now).toContainText("Qwen2.5 Coder is on its way: 400 MB of 1.6 GB, about 4 min left");
  await by(page, "composer").fill("Why?");
  await expect(by(page, "send"), "the one at hand answers").toBeEnabled();
  await now.getByRole("button", { name: "Pause" }).click();
  await expect(now).toContainText("is paused at 400 MB of 1.6 GB");
  await expect(now.getByRole("button", { name: "Go on" }), "the keyboard stays on it").toBeFocused();
  await page.keyboard.press("Enter");
  expect(await calls(page, "resume_download")).toHaveLength(1);
  await now.getByRole("button", { name: "Take out" }).click();
  await expect(now).toHaveCount(0);
  await expect(by(page, "composer")).toBeFocused();
  await by(page, "undo").click();
  expect(await calls(page, "download_ladder"), "it is fetched anew").toHaveLength(2);
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "ready", 1.6e9), download("smollm2", "SmolLM2", "waiting"));
  await expect(now).toContainText("takes over after this answer");
  await expect(now).toContainText("1 more is waiting.");
  await expect(by(page, "said-downloads")).toHaveText("Qwen2.5 Coder is downloaded.");
  await downloads(page);
  await expect(now).toHaveCount(0);
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
  await by(page, "settings-close").click();
  await expect(by(page, "speed-line")).toContainText("高速化オフ");
  const changes = await calls(page, "change_settings");
  expect(changes.at(-1)?.args.settings).toMatchObject({ language: "ja", theme: "dark", speedUp: false });
});

test("earlier chats can be looked at, erased and left out", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await expect(by(page, "earlier-size")).toHaveText("12 messages · 3.5 kB");
  await by(page, "earlier-erase").click();
  await expect(by(page, "earlier-size")).toHaveText("0 messages · 0 B");
  expect(await calls(page, "erase_earlier_chats")).toHaveLength(1);
  await expect(by(page, "earlier-erase")).toBeDisabled();
  await by(page, "earlier-chats-toggle").uncheck();
  expect((await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ earlierChats: false });
});

test("unsent text is kept and comes back; Ctrl+N begins anew", async ({ page }) => {
  await open(page, { conversation: conversation({ id: 5, unsent: "half a thought" }) });
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
  await page.evaluate(() => (window.app.refuse = {}));
  await by(page, "problem").getByRole("button").click();
  await expect(by(page, "composer")).toBeVisible();
});

test("a problem is told in the window's language with its code", async ({ page }) => {
  const problem = { code: "disk_full" as const, details: { path: "/data", size: "98 MB", reserve: "500 MB", free: "{size}" } };
  await open(page, { engine: { kind: "failed", problem } });
  await engine(page, { kind: "failed", problem });
  await expect(by(page, "problem-sentence")).toHaveText("There is not enough space in /data: 98 MB have to be written and 500 MB must stay free for other programs, but only {size} are free.");
  await expect(by(page, "problem")).toContainText("disk_full");
  await page.keyboard.press("Control+,");
  await by(page, "language-select").selectOption("ja");
  await by(page, "settings-close").click();
  await expect(by(page, "problem-sentence")).toHaveText("/data の空き容量が足りません。書き込みに 98 MB、ほかのアプリのために 500 MB が必要ですが、空きは {size} です。");
  await expect(by(page, "problem-next")).toContainText("空き容量を増やして");
  await by(page, "problem").getByRole("button", { name: "もう一度試す" }).click();
  expect(await calls(page, "load_ladder")).toHaveLength(1);
});

test("a choice that is refused shows why and what still holds", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await page.evaluate(() => (window.app.refuse.change_settings = { code: "busy", details: {} }));
  await by(page, "exact-toggle").click();
  await expect(page.getByRole("dialog").getByTestId("problem")).toHaveAttribute("data-code", "busy");
  await expect(by(page, "exact-toggle")).not.toBeChecked();
  await by(page, "ladder-select").selectOption("qwen-coder");
  await expect(by(page, "ladder-select")).toHaveValue("smollm2");
});

test("how long conversations are and how many threads compute can be chosen, and left to the program again", async ({ page }) => {
  await open(page, { settings: { ...settings, threads: 9 } });
  await page.keyboard.press("Control+,");
  await expect(by(page, "threads-select")).toHaveValue("9");
  await expect(by(page, "threads-select").getByRole("option"), "what was set by hand stays on offer").toHaveCount(10);
  await by(page, "threads-select").selectOption({ label: "The fastest, found by trying" });
  await by(page, "context-select").selectOption({ label: "4,096 tokens" });
  await expect(by(page, "context-select")).toHaveValue("4096");
  const changes = (await calls(page, "change_settings")).map((call) => (call.args as { settings: typeof settings }).settings);
  expect(changes.map(({ threads, context }) => [threads, context])).toEqual([[null, null], [null, 4096]]);
  await by(page, "cache-select").selectOption({ label: "About half" });
  await by(page, "notify-toggle").uncheck();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ cache: "q8", notify: false });
  await by(page, "exact-toggle").check();
  await expect(by(page, "cache-select"), "exact mode keeps all of it").toBeDisabled();
});

test("Escape closes the settings and lets the answer go on", async ({ page }) => {
  await open(page);
  await ask(page, "Tell me a story.");
  await page.keyboard.press("Control+,");
  await page.keyboard.press("Escape");
  // Gone, not only hidden: the window hears of the closing a moment later.
  await expect(page.locator("dialog")).toHaveCount(0);
  expect(await calls(page, "stop")).toHaveLength(0);
  await page.keyboard.press("Escape");
  expect(await calls(page, "stop"), "one Escape too many is not meant for the answer").toHaveLength(0);
  await page.evaluate(() => {
    const now = Date.now();
    Date.now = () => now + 5000;
  });
  await page.keyboard.press("Escape");
  expect(await calls(page, "stop")).toHaveLength(1);
});

test("everything is reached by keyboard, and focus comes back from the settings", async ({ page }) => {
  await open(page);
  await expect(by(page, "composer")).toBeFocused();
  await by(page, "settings").focus();
  await page.keyboard.press("Enter");
  await expect(by(page, "settings-search")).toBeFocused();
  for (const id of ["language-select", "theme-select", "", "", "ladder-select", "open-ladders", "speed-up-toggle", "earlier-chats-toggle", "earlier-erase", "notify-toggle", "background-toggle", "preset-new", "export-markdown", "export-json", "import", "mirror-field", "source-choose", "proxy-field", "token-field", "updates-field", "updates-daily-toggle", "policy-select", "exact-toggle"]) {
    await page.keyboard.press("Tab");
    if (id) await expect(by(page, id)).toBeFocused();
  }
  await by(page, "settings-search").focus();
  await page.keyboard.press("Shift+Tab");
  await expect(by(page, "settings-close")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(by(page, "settings")).toBeFocused();
});

test("an example fills the composer and is kept", async ({ page }) => {
  await open(page);
  const example = by(page, "transcript").getByRole("listitem").first().getByRole("button");
  const text = await example.innerText();
  await example.click();
  await expect(by(page, "composer")).toHaveValue(text);
  await expect(by(page, "composer")).toBeFocused();
  await expect.poll(async () => (await calls(page, "save_unsent")).at(-1)?.args.text).toBe(text);
});

test("new text is followed, but whoever scrolled up to read is left alone", async ({ page }) => {
  await open(page);
  await ask(page, "Tell me a long story.");
  const view = by(page, "transcript");
  const below = () => view.evaluate((view) => view.scrollHeight - view.scrollTop - view.clientHeight);
  await chat(page, { kind: "text", text: "line\n".repeat(100) });
  await expect.poll(() => view.evaluate((view) => view.scrollHeight)).toBeGreaterThan(2000);
  await expect.poll(below).toBeLessThan(2);
  await view.evaluate((view) => (view.scrollTop = 300));
  await view.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await chat(page, { kind: "text", text: "the end" });
  await expect(page.getByTestId("message-text").last()).toContainText("the end");
  expect(await view.evaluate((view) => view.scrollTop)).toBe(300);
  await view.evaluate((view) => (view.scrollTop = view.scrollHeight));
  await page.setViewportSize({ width: 900, height: 500 });
  await expect.poll(below, "a smaller window still shows the end").toBeLessThan(2);
});

test("an answer can be copied and asked for again", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page);
  await ask(page, "Hello");
  await chat(page, { kind: "text", text: "Hello, <you>." });
  await chat(page, { kind: "finished", receipt });
  await page.evaluate(() => window.app.end());
  const answer = by(page, "message-assistant");
  await answer.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(answer.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("Hello, <you>.");
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect.poll(() => calls(page, "answer_again")).toHaveLength(1);
  await expect(page.getByTestId("message-text").last(), "the old answer stays until there is a new one").toHaveText("Hello, <you>.");
  await chat(page, { kind: "saved", message: 11, answer: 13 });
  await expect(page.getByTestId("message-text").last()).toHaveText("");
});

test("a message that was never answered can be answered now", async ({ page }) => {
  await open(page, { conversation: conversation({ id: 5, messages: [{ id: 7, speaker: "user", text: "Hello?" }] }) });
  await page.getByRole("button", { name: "Answer", exact: true }).click();
  await expect.poll(() => calls(page, "answer_again")).toHaveLength(1);
});

test("the system's language and colours are taken unless others are chosen", async ({ browser }) => {
  const context = await browser.newContext({ locale: "ja-JP", colorScheme: "dark" });
  const page = await context.newPage();
  await open(page, { settings: { language: "system", theme: "system" } });
  await expect(page.locator("html")).toHaveAttribute("lang", "ja");
  await expect(by(page, "send")).toHaveText("送信");
  await expect(page.locator("body")).toHaveCSS("background-color", "rgb(18, 25, 29)");
  await expect(page).toHaveTitle("Taki");
  await context.close();
});

test("other computers are named with commas, and what came of each is told", async ({ page }) => {
  const leftOut = [{ rung: "127.0.0.1:2", problem: { code: "remote_unusable" as const, details: { address: "127.0.0.1:2", reason: "connection refused" } } }];
  const placed = [{ rung: "SmolLM2 135M", layers: 31, of: 31, devices: ["127.0.0.1:1"], remote: true }];
  const loaded = { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], leftOut, placed, draftsAhead: true, context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] };
  await open(page, { engine: { kind: "ready", loaded }, settings: { ...settings, workers: ["127.0.0.1:1", "127.0.0.1:2", "desk.local:1"] } });
  await page.keyboard.press("Control+,");
  const field = by(page, "workers-field");
  const said = page.locator("#" + (await field.getAttribute("aria-describedby")));
  await expect(field).toHaveValue("127.0.0.1:1, 127.0.0.1:2, desk.local:1");
  await expect(said).toContainText("Computing along: 127.0.0.1:1. Nothing to compute for now: desk.local:1. The computer at 127.0.0.1:2 cannot compute along (connection refused).");
  await expect(page.locator("#gpu-hint")).toContainText("Drafts go on while it looks at the text.");
  await field.fill(" 10.8.0.2:50052,,127.0.0.1:1 ");
  await field.press("Enter");
  await expect(field).toHaveValue("10.8.0.2:50052, 127.0.0.1:1");
  await field.fill("");
  await field.blur();
  const changes = (await calls(page, "change_settings")).map((call) => (call.args as { settings: typeof settings }).settings.workers);
  expect(changes).toEqual([["10.8.0.2:50052", "127.0.0.1:1"], []]);
  await expect(said).not.toContainText("Computing along");
});
