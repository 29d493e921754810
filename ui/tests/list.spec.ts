// The list of conversations: what stands in it, the keyboard, deleting and undoing, and the search.
import { expect, type Page } from "@playwright/test";
import { answered, found, long, others } from "./states/samples";
import { ask, by, calls, chat, conversation, open, settings, test } from "./window";

const titles = (page: Page) => by(page, "conversation").allInnerTexts();
const args = async (page: Page, name: string) => (await calls(page, name)).map((call) => call.args);

test("conversations stand by age under their titles, and a click opens one", async ({ page }) => {
  await open(page, { conversation: answered, others });
  const headings = await by(page, "sidebar").getByRole("heading").allInnerTexts();
  expect(headings).toEqual(["Pinned", "Today", "Yesterday", "Earlier"]);
  expect(await titles(page)).toContain("New conversation");
  await by(page, "conversation").filter({ hasText: "VLOOKUP" }).click();
  await expect(by(page, "message-text")).toHaveText("VLOOKUP の使い方");
  await expect(by(page, "conversation").filter({ hasText: "VLOOKUP" })).toHaveAttribute("aria-current", "page");
  await expect(by(page, "composer")).toBeFocused();
  await expect(by(page, "said")).toHaveText("Another conversation is shown.");
});

test("the list is hidden and shown, and that is kept", async ({ page }) => {
  await open(page, { others });
  await expect(by(page, "sidebar-toggle")).toHaveAttribute("aria-expanded", "true");
  await page.keyboard.press("Control+b");
  await expect(by(page, "sidebar")).toHaveCount(0);
  expect((await args(page, "change_settings")).at(-1)).toMatchObject({ settings: { sidebar: false } });
  await by(page, "new-conversation").isVisible();
  await by(page, "sidebar-toggle").click();
  await expect(by(page, "sidebar")).toBeVisible();
});

test("in a narrow window the list lies on top and goes when a conversation is chosen", async ({ page }) => {
  await page.setViewportSize({ width: 420, height: 620 });
  await open(page, { others });
  await expect(by(page, "sidebar")).toHaveCount(0);
  await by(page, "sidebar-toggle").click();
  await by(page, "conversation").nth(1).click();
  await expect(by(page, "sidebar")).toHaveCount(0);
  await page.keyboard.press("Control+k");
  await expect(by(page, "search")).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await expect(by(page, "sidebar")).toHaveCount(0);
  expect(await calls(page, "change_settings"), "the choice for wide windows stays").toEqual([]);
});

test("the list is one stop of the Tab key; arrows walk in it, Enter opens, F2 renames", async ({ page }) => {
  await open(page, { conversation: answered, others });
  await by(page, "conversation").filter({ hasText: "sea salty" }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(by(page, "conversation").nth(2)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(by(page, "conversation").first()).toBeFocused();
  await page.keyboard.press("End");
  await expect(by(page, "conversation").last()).toBeFocused();
  expect(await by(page, "conversation").evaluateAll((all) => all.filter((entry) => (entry as HTMLElement).tabIndex === 0).length)).toBe(1);
  await page.keyboard.press("F2");
  await expect(by(page, "rename")).toHaveValue("出張報告書の要約");
  await by(page, "rename").fill("出張報告");
  // While an input method composes, Enter chooses a candidate.
  await by(page, "rename").dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true });
  expect(await calls(page, "rename_conversation")).toEqual([]);
  await page.keyboard.press("Enter");
  expect(await args(page, "rename_conversation")).toEqual([{ conversation: 27, title: "出張報告" }]);
  await expect(by(page, "conversation").last()).toHaveText("出張報告");
  await expect(by(page, "conversation").last()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(by(page, "message-text")).toHaveText("出張報告書の要約");
});

test("a double click renames, Escape leaves the title, an empty one is none", async ({ page }) => {
  await open(page, { conversation: answered, others });
  await by(page, "conversation").first().dblclick();
  await by(page, "rename").fill("x");
  await page.keyboard.press("Escape");
  await expect(by(page, "conversation").first()).toHaveText("週報のひな形");
  await by(page, "conversation").first().dblclick();
  await by(page, "rename").fill("  ");
  await page.keyboard.press("Enter");
  await expect(by(page, "conversation").first()).toHaveText("週報のひな形");
  expect(await calls(page, "rename_conversation")).toEqual([]);
});

test("Delete deletes, the keyboard goes to the next one, Ctrl+Z brings it back", async ({ page }) => {
  await open(page, { conversation: answered, others });
  const before = await titles(page);
  await by(page, "conversation").nth(2).focus();
  await page.keyboard.press("Delete");
  await expect(by(page, "toast")).toContainText("“Letter to the landlord about the broken…” was deleted.");
  await expect(by(page, "said")).toHaveText("Deleted. Ctrl+Z brings it back.");
  expect(await titles(page)).toEqual(before.filter((_, at) => at !== 2));
  await expect(by(page, "conversation").nth(2)).toBeFocused();
  await page.keyboard.press("Control+z");
  await expect(by(page, "toast")).toHaveCount(0);
  await expect.poll(() => titles(page)).toEqual(before);
});

test("Ctrl+Z belongs to the field once something was typed there", async ({ page }) => {
  await open(page, { conversation: answered, others });
  await by(page, "conversation").nth(2).focus();
  await page.keyboard.press("Delete");
  await by(page, "composer").pressSequentially("ab");
  await page.keyboard.press("Control+z");
  await expect(by(page, "toast")).toBeVisible();
  expect(await calls(page, "restore_conversation")).toEqual([]);
  await by(page, "undo").click();
  expect(await args(page, "restore_conversation")).toEqual([{ conversation: 21 }]);
});

test("the menu of a conversation pins, renames, exports and deletes", async ({ page }) => {
  await open(page, { conversation: answered, others, give: { export_conversations: "/home/a/Letter.md" } });
  const choose = async (name: string) => {
    await by(page, "conversation").filter({ hasText: "Letter" }).hover();
    await by(page, "sidebar").locator("li", { hasText: "Letter" }).getByTestId("conversation-menu").click();
    await page.getByRole("menuitem", { name }).click();
  };
  await choose("Pin");
  await expect(by(page, "conversation").first()).toContainText("Letter");
  await choose("Unpin");
  await choose("Export as Markdown");
  expect(await args(page, "export_conversations")).toEqual([{ conversations: [21], format: "markdown" }]);
  await expect(by(page, "toast")).toHaveText("Saved as /home/a/Letter.md");
  await choose("Rename");
  await expect(by(page, "rename")).toBeFocused();
  await page.keyboard.press("Escape");
  await choose("Delete");
  await expect(by(page, "conversation").filter({ hasText: "Letter" })).toHaveCount(0);
});

test("the search shows hits in context and opens the conversation at the hit", async ({ page }) => {
  await open(page, { others: [...others, { conversation: long, atMs: 0 }], give: { search: found } });
  await page.keyboard.press("Control+k");
  await by(page, "search").fill("salt");
  await expect(by(page, "search-state")).toHaveText("3 hits");
  await expect(by(page, "found").first().locator("mark")).toHaveText("salt");
  await expect(by(page, "found").first()).not.toContainText("File:");
  await expect(by(page, "found").last(), "a hit in a file names it").toContainText("File: 海洋調査業務委託契約書_2026年度版_最終_署名済み.docx");
  await expect(by(page, "found").last().locator("mark")).toBeVisible();
  expect((await args(page, "search")).at(-1)).toEqual({ text: "salt", limit: 50 });
  await page.keyboard.press("ArrowDown");
  await expect(by(page, "found").first()).toBeFocused();
  await page.keyboard.press("Enter");
  const hit = page.locator("[data-message='103']");
  await expect(hit).toBeInViewport();
  await expect(hit).toBeFocused();
  await expect(by(page, "latest"), "the hit is not at the end").toBeVisible();
  await by(page, "search").focus();
  await page.keyboard.press("Escape");
  await expect(by(page, "search")).toHaveValue("");
  await expect(by(page, "conversation").first()).toBeVisible();
});

test("what is not found, and a search that fails, is said", async ({ page }) => {
  await open(page, { others, settings: { ...settings, language: "ja" } });
  await by(page, "search").fill("無い");
  await expect(by(page, "search-state")).toHaveText("「無い」は見つかりませんでした。");
  await page.evaluate(() => (window.app.refuse.search = { code: "database_failed", details: { reason: "disk" } }));
  await by(page, "search").fill("無いも");
  await expect(by(page, "search-state")).toContainText("disk");
});

test("an answer goes on elsewhere, and its conversation shows it", async ({ page }) => {
  await open(page, { others });
  await ask(page, "Tell me a story.");
  await by(page, "conversation").filter({ hasText: "VLOOKUP" }).click();
  await expect(by(page, "elsewhere")).toContainText("is still being answered");
  await by(page, "composer").fill("And this?");
  await by(page, "composer").press("Enter");
  await expect(by(page, "queued")).toContainText("Will be sent when the answer in");
  await chat(page, { kind: "text", text: "Once upon" });
  expect(await calls(page, "stop")).toEqual([]);
  await by(page, "queued").getByRole("button", { name: "Stop that answer" }).click();
  expect(await calls(page, "stop")).toHaveLength(1);
});

test("a new conversation is a new one, but not twice", async ({ page }) => {
  await open(page, { conversation: answered, others });
  await page.keyboard.press("Control+n");
  await expect(by(page, "message-text")).toHaveCount(0);
  await expect(by(page, "composer")).toBeFocused();
  await page.keyboard.press("Control+n");
  expect(await calls(page, "new_conversation")).toHaveLength(1);
  await expect(by(page, "conversation").filter({ hasText: "New conversation" })).toHaveCount(2);
});

test("without any conversation the list says what it is for", async ({ page }) => {
  await open(page, { conversation: conversation({}), give: { list_conversations: [] } });
  await ask(page, "Hello");
  await expect(by(page, "sidebar")).toContainText("Your conversations will be listed here.");
});
