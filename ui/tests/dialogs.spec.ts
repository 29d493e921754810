// The palette, the shortcuts, the zoom, the settings and the first start.
import { expect, type Page } from "@playwright/test";
import { download } from "./mock/shelf";
import { answered, large, missing, others } from "./states/samples";
import { ask, by, calls, downloads, engine, inside, open, settings, test } from "./window";

const args = async (page: Page, name: string) => (await calls(page, name)).map((call) => call.args);

test("the palette does what is chosen, by keyboard and in either language", async ({ page }) => {
  await open(page, { conversation: answered, others, settings: { ...settings, language: "ja" } });
  await page.keyboard.press("Control+Shift+P");
  await expect(by(page, "palette-input")).toBeFocused();
  await by(page, "palette-input").fill("new conv");
  await expect(page.getByRole("option", { selected: true })).toContainText("新しい会話");
  await page.keyboard.press("Enter");
  await expect.poll(() => calls(page, "new_conversation")).toHaveLength(1);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("Control+p");
  await by(page, "palette-input").fill("VLOOK");
  await by(page, "palette-input").dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true });
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(by(page, "message-text")).toHaveText("VLOOKUP の使い方");
});

test("the palette says when it has nothing, closes with Escape and leads from one dialog to another", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+p");
  await by(page, "palette-input").fill("xyzzy");
  await expect(page.getByRole("dialog")).toContainText("No command or conversation of this name.");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(by(page, "composer")).toBeFocused();
  await page.keyboard.press("Control+p");
  await by(page, "palette-input").fill("shortcuts");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await by(page, "shortcuts-close").click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("the palette offers only what can be done now", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+p");
  const names = await page.getByRole("option").allInnerTexts();
  expect(names.some((name) => name.startsWith("Settings"))).toBe(true);
  expect(names.filter((name) => /^(Answer again|Continue|Stop|Unpin|Copy the last answer)/.test(name))).toEqual([]);
});

test("F1 and Ctrl+/ show every key that works", async ({ page }) => {
  await open(page);
  for (const keys of ["F1", "Control+/"]) {
    await page.keyboard.press(keys);
    await expect(page.getByRole("dialog")).toContainText("Search conversations");
    await expect(page.getByRole("dialog")).toContainText("Undo a deletion");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
});

test("the window is zoomed by keys, and that is kept", async ({ page }) => {
  await open(page);
  const size = () => page.evaluate(() => getComputedStyle(document.documentElement).fontSize);
  await page.keyboard.press("Control++");
  await expect.poll(size).toBe("17.6px");
  await page.keyboard.press("Control+-");
  await page.keyboard.press("Control+-");
  await expect.poll(size).toBe("14.4px");
  await page.keyboard.press("Control+0");
  await expect.poll(size).toBe("16px");
  expect((await args(page, "change_settings")).map(({ settings }) => (settings as { zoom: number }).zoom)).toEqual([1.1, 1, 0.9, 1]);
});

test("at twice the size the list makes room and nothing sticks out", async ({ page }) => {
  await open(page, { others, settings: { ...settings, zoom: 2 } });
  await expect(by(page, "sidebar")).toHaveCount(0);
  await by(page, "settings").click();
  await expect(by(page, "settings-close")).toBeInViewport();
  await inside(page);
});

test("Escape empties the search of the settings, then closes them, also where the browser lets the field have the key", async ({ page }) => {
  await open(page);
  const escape = () => by(page, "settings-search").dispatchEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
  await by(page, "settings").click();
  await by(page, "settings-search").fill("draft");
  await escape();
  await expect(by(page, "settings-search")).toHaveValue("");
  await expect(by(page, "theme-select")).toBeVisible();
  await escape();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await by(page, "settings").click();
  await by(page, "settings-search").fill("draft");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("what cannot be changed while an answer is written says so", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  await expect(by(page, "exact-toggle")).toHaveAccessibleDescription(/a little slower\.$/);
  await by(page, "settings-close").click();
  await ask(page, "Why?");
  await by(page, "settings").click();
  await expect(by(page, "exact-toggle")).toBeDisabled();
  for (const id of ["exact-toggle", "ladder-select"]) await expect(by(page, id)).toHaveAccessibleDescription(/Can be changed when the answer is finished\.$/);
});

test("what is opened right behind Escape stays open", async ({ page }) => {
  await open(page);
  // In one task, before the browser tells of the closing.
  await page.keyboard.press("F1");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.evaluate(() => {
    document.querySelector<HTMLElement>('[data-testid="shortcuts-close"]')!.click();
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "p", ctrlKey: true, bubbles: true, cancelable: true }));
  });
  await by(page, "palette-input").fill("shortcuts");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});

test("what the administrator has laid down is shown and cannot be changed", async ({ page }) => {
  await open(page, { locked: ["earlierChats", "mirror", "source", "threads"], settings: { ...settings, mirror: "https://models.example", source: "/media/stick", threads: 2 } });
  await by(page, "settings").click();
  for (const id of ["earlier-chats-toggle", "mirror-field", "source-choose", "source-clear", "threads-select"]) {
    await expect(by(page, id)).toBeDisabled();
    await expect(by(page, id)).toHaveAccessibleDescription(/Set by the administrator of this computer\.$/);
  }
  await expect(by(page, "proxy-field")).toBeEnabled();
  await expect(by(page, "earlier-erase"), "what is one's own can be erased").toBeVisible();
});

test("settings are found by what they are about", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  await by(page, "settings-search").fill("smaLL helpers");
  await expect(by(page, "speed-up-toggle")).toBeVisible();
  await expect(by(page, "theme-select")).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 3 })).toHaveText(["Answers"]);
  await by(page, "settings-search").fill("xyzzy");
  await expect(by(page, "settings-none")).toHaveText("Nothing found for “xyzzy”.");
});

test("instructions of one's own are written, changed and deleted", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  await by(page, "preset-new").click();
  await by(page, "preset-name").fill("Summarise");
  await by(page, "preset-text").fill("Three sentences.");
  await expect(page.getByText("There are instructions of this name already.")).toBeVisible();
  await expect(by(page, "preset-save")).toBeDisabled();
  await by(page, "preset-name").fill("Short");
  await by(page, "preset-save").click();
  expect((await args(page, "change_settings")).at(-1)).toMatchObject({ settings: { presets: [{ name: "Short", text: "Three sentences." }] } });
  await expect(by(page, "preset-new")).toBeFocused();
  await page.getByRole("button", { name: "Edit “Short”" }).click();
  await by(page, "preset-text").fill("Two sentences.");
  await page.keyboard.press("Escape");
  await expect(by(page, "preset"), "Escape closes the form only").toContainText("Three sentences.");
  await page.getByRole("button", { name: "Delete “Short”" }).click();
  await expect(by(page, "preset")).toHaveCount(0);
  expect((await args(page, "change_settings")).at(-1)).toMatchObject({ settings: { presets: [] } });
});

test("all conversations go out and come in", async ({ page }) => {
  await open(page, { others, give: { export_conversations: "/home/a/taki.json", import_conversations: { added: 3, known: 1 } } });
  await by(page, "settings").click();
  await by(page, "export-json").click();
  expect(await args(page, "export_conversations")).toEqual([{ conversations: [], format: "json" }]);
  await expect(by(page, "moved")).toHaveText("Saved as /home/a/taki.json");
  await by(page, "import").click();
  await expect(by(page, "moved")).toHaveText("3 conversations imported. 1 was here already.");
});

test("a cancelled export says nothing", async ({ page }) => {
  await open(page);
  await by(page, "settings").click();
  await by(page, "export-markdown").click();
  await expect.poll(() => calls(page, "export_conversations")).toHaveLength(1);
  await expect(by(page, "moved")).toBeEmpty();
});

test("the first start names a graphics card, with which more fits", async ({ page }) => {
  const give = { devices: ["NVIDIA H200"], ladders: [large, missing] };
  await open(page, { engine: { kind: "empty" }, ladders: [{ ...large, fits: "not" as const }, missing], give });
  await expect(by(page, "cards")).toHaveText("It can also compute with NVIDIA H200.");
  await expect(by(page, "ladder-card").last(), "what fits is told anew").toContainText("fits well");
});

test("the first start shows what can be had, and a question typed meanwhile is sent when the model is there", async ({ page }) => {
  await open(page, { engine: { kind: "empty" }, ladders: [large, missing] });
  await expect(by(page, "ladder-card")).toHaveCount(2);
  await expect(by(page, "ladder-card").first(), "the chosen one comes first").toContainText("SmolLM2");
  await expect(by(page, "ladder-card").first()).toContainText("98 MB");
  await expect(by(page, "ladder-card").first()).toContainText("Apache-2.0");
  await expect(by(page, "ladder-card").last()).toContainText("1.5B, 0.5B, and Max-Gram");
  await expect(by(page, "download")).toHaveCount(1);
  await by(page, "download").click();
  expect(await args(page, "download_ladder")).toEqual([{ ladder: "smollm2", thenUse: true, first: true }]);
  await downloads(page, download("smollm2", "SmolLM2", "running", 49e6, 98e6, 40));
  await expect(by(page, "ladder-card").first()).toContainText("Downloading");
  await by(page, "composer").fill("Hello");
  await by(page, "composer").press("Enter");
  await expect(by(page, "queued")).toBeVisible();
  await engine(page, { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0 });
  await expect(by(page, "queued")).toBeVisible();
  await engine(page, { kind: "ready", loaded: { ladder: "smollm2", rungs: [], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] } });
  await expect.poll(() => args(page, "send")).toMatchObject([{ text: "Hello" }]);
  await expect(by(page, "first-run")).toHaveCount(0);
});
