// Messages: editing, versions, going on, deleting, the receipt with its replay, and scrolling.
import { expect, type Page } from "@playwright/test";
import { answered, brief, ladder, long, others } from "./states/samples";
import { accessible, ask, by, calls, chat, conversation, engine, open, receipt, settings, test } from "./window";

const args = async (page: Page, name: string) => (await calls(page, name)).map((call) => call.args);
const end = (page: Page) => page.evaluate(() => window.app.end());

test("a question is edited in place: Escape leaves it, Enter asks it anew beside the old one", async ({ page }) => {
  await open(page, { conversation: answered });
  const question = by(page, "message-user").first();
  await question.getByTestId("edit").click();
  await expect(by(page, "editor")).toBeFocused();
  await by(page, "editor").fill("Something else");
  await page.keyboard.press("Escape");
  await expect(question.getByTestId("message-text")).toHaveText("Why is the sea salty? 海はなぜ塩辛いのですか。");
  await expect(question.getByTestId("edit")).toBeFocused();
  await page.keyboard.press("Enter");
  await by(page, "editor").fill("Why is it blue?");
  await by(page, "editor").dispatchEvent("keydown", { key: "Enter", isComposing: true, bubbles: true });
  await page.keyboard.press("Shift+Enter");
  expect(await calls(page, "send")).toEqual([]);
  await page.keyboard.press("Enter");
  expect(await args(page, "send")).toMatchObject([{ conversation: 3, parent: null, text: "Why is it blue?", edited: 1 }]);
  await chat(page, { kind: "saved", message: 11, answer: 12 });
  await expect(by(page, "message-text")).toHaveText(["Why is it blue?", ""]);
  await expect(by(page, "version").first()).toHaveText("4 / 4");
});

test("an edited question stays in its editor until it is on disk, and while another conversation is shown", async ({ page }) => {
  await open(page, { conversation: answered, others });
  await page.evaluate(() => (window.app.refuse.send = { code: "database_failed", details: {} }));
  await by(page, "message-user").first().getByTestId("edit").click();
  await by(page, "editor").fill("Why is it blue?");
  await page.keyboard.press("Enter");
  await expect(by(page, "problem")).toBeVisible();
  await expect(by(page, "editor")).toHaveValue("Why is it blue?");
  await expect(by(page, "editor")).toBeEditable();
  await by(page, "conversation").filter({ hasText: others[0]!.conversation.title }).click();
  await expect(by(page, "editor")).toHaveCount(0);
  await by(page, "conversation").filter({ hasText: answered.title }).click();
  await expect(by(page, "editor")).toHaveValue("Why is it blue?");
  await page.evaluate(() => delete window.app.refuse.send);
  await by(page, "editor").press("Enter");
  await expect(by(page, "editor")).not.toBeEditable();
  await chat(page, { kind: "saved", message: 11, answer: 12 });
  await expect(by(page, "editor")).toHaveCount(0);
  await expect(by(page, "message-text")).toHaveText(["Why is it blue?", ""]);
  await expect(by(page, "composer")).toBeFocused();
});

test("a question that was being edited when the window was closed is being edited still", async ({ page }) => {
  const conversationEdited = { ...answered, messages: answered.messages.map((message, at) => (at === 0 ? { ...message, edited: "Why is it so w" } : message)) };
  await open(page, { conversation: conversationEdited });
  await expect(by(page, "editor")).toHaveValue("Why is it so w");
  await expect(by(page, "composer")).toBeFocused();
  await by(page, "editor").press("End");
  await page.keyboard.type("et?");
  await expect.poll(() => args(page, "save_edited")).toEqual([{ message: answered.messages[0]!.id, text: "Why is it so wet?" }]);
  await page.keyboard.press("Escape");
  await expect(by(page, "editor")).toHaveCount(0);
  expect((await args(page, "save_edited")).at(-1)).toEqual({ message: answered.messages[0]!.id, text: null });
});

test("a question with a file that is too long is answered with a part of it", async ({ page }) => {
  const file = { id: 3, name: "book.txt", bytes: 9e5, characters: 9e5, tokens: 2e5, cut: false, part: "whole" as const };
  const refused = conversation({
    messages: [
      { id: 7, speaker: "user", text: "What is it about?", attachments: [file] },
      { id: 8, speaker: "assistant", text: "", problem: { code: "prompt_too_long", details: { tokens: "200000", context: "8192" } } },
    ],
  });
  const copied = { ...refused, messages: refused.messages.map((message) => ({ ...message, attachments: message.attachments.map((card) => ({ ...card, id: 4 })) })) };
  await open(page, { conversation: refused, give: { open_conversation: copied } });
  await page.getByRole("button", { name: "Read what goes with the question" }).click();
  await expect.poll(() => args(page, "answer_again")).toHaveLength(1);
  // The window may know another file of the same name: an edited question has copies.
  expect(await args(page, "read_part")).toEqual([{ attachment: 4, part: "passages" }]);
  await expect(by(page, "attachment")).toContainText("only what goes with your questions");
});

test("what the model read of a file can be looked at", async ({ page }) => {
  const file = { id: 3, name: "book.txt", bytes: 9e5, characters: 9e5, tokens: 2e5, cut: false, part: "passages" as const };
  const asked = conversation({ messages: [{ id: 7, speaker: "user", text: "What is it about?", attachments: [file] }] });
  await open(page, { conversation: asked, give: { file_text: "1. A mill.\n[…]\n9. A <b>weir</b>." } });
  await page.getByRole("button", { name: "Show the text of book.txt" }).click();
  await expect(by(page, "file-text")).toHaveText("1. A mill.\n[…]\n9. A <b>weir</b>.");
  expect(await args(page, "file_text")).toEqual([{ attachment: 3 }]);
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Show the text of book.txt" })).toBeFocused();
});

test("the arrow up in an empty composer edits the last question", async ({ page }) => {
  await open(page, { conversation: answered });
  await by(page, "composer").press("ArrowUp");
  await expect(by(page, "editor")).toHaveValue("Tell me a long story about these figures.");
});

test("versions are turned by buttons and by Alt with the arrows, and the keyboard stays there", async ({ page }) => {
  const other = conversation({ id: 3, messages: [{ id: 7, speaker: "user", text: "Why is it wet?", versions: [1, 7, 9] }] });
  await open(page, { conversation: answered, give: { choose_version: other } });
  const first = by(page, "message-user").first();
  await expect(by(page, "version").first()).toHaveText("1 / 3");
  await expect(first.getByRole("button", { name: "Previous version" })).toBeDisabled();
  await first.getByRole("button", { name: "Next version" }).click();
  expect(await args(page, "choose_version")).toEqual([{ message: 7 }]);
  await expect(by(page, "message-text")).toHaveText(["Why is it wet?"]);
  await expect(by(page, "version")).toHaveText("2 / 3");
  await expect(page.getByRole("button", { name: "Next version" })).toBeFocused();
  await expect(by(page, "said")).toHaveText("Another version is shown.");
  await page.keyboard.press("Alt+ArrowLeft");
  await page.keyboard.press("Alt+ArrowRight");
  expect((await args(page, "choose_version")).map((arg) => arg.message)).toEqual([7, 1, 9]);
});

test("the actions of a message are one stop of the Tab key, seen when it comes there", async ({ page }) => {
  await open(page, { conversation: answered });
  const question = by(page, "message-user").last();
  const bar = question.getByRole("toolbar");
  await expect(bar).toHaveCSS("opacity", "0");
  await question.getByRole("button", { name: "Copy" }).focus();
  await expect(bar).toHaveCSS("opacity", "1");
  await page.keyboard.press("ArrowRight");
  await expect(question.getByTestId("edit")).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(question.getByTestId("delete-message")).toBeFocused();
});

test("a stopped answer goes on behind its text", async ({ page }) => {
  await open(page, { conversation: answered });
  await by(page, "continue").click();
  expect(await args(page, "continue_answer")).toMatchObject([{ message: 4 }]);
  await chat(page, { kind: "saved", message: 3, answer: 4 });
  await chat(page, { kind: "text", text: " And it became one." });
  await chat(page, { kind: "finished", receipt });
  await end(page);
  await expect(by(page, "message-text").last()).toHaveText("Once upon a time there was a river that wanted to be a waterfall. And it became one.");
  await expect(by(page, "continue")).toHaveCount(0);
});

test("a deleted message takes what follows along, and all of it comes back", async ({ page }) => {
  await open(page, { conversation: answered });
  await by(page, "message-user").last().hover();
  await by(page, "message-user").last().getByTestId("delete-message").click();
  await expect(by(page, "message-text")).toHaveCount(2);
  await expect(by(page, "toast")).toContainText("Message deleted");
  await expect(by(page, "composer")).toBeFocused();
  await page.keyboard.press("Control+z");
  expect(await args(page, "restore_message")).toEqual([{ message: 3 }]);
  await expect(by(page, "message-text")).toHaveCount(4);
});

test("the receipt tells who wrote how much, and the replay that it is the same answer", async ({ page }) => {
  await open(page, { conversation: brief(), settings: { ...settings, exact: true } });
  await expect(by(page, "receipt").locator("> summary")).toHaveText("9.0 s instead of about 15.0 s");
  await by(page, "receipt").locator("> summary").click();
  await expect(by(page, "receipt").getByRole("img")).toHaveAccessibleName("Qwen 1.5B 46%, Qwen 0.5B 34%, Max-Gram 20%");
  await expect(by(page, "receipt").getByRole("row", { name: "Qwen 0.5B" })).toContainText("70%");
  await by(page, "who-wrote").locator("> summary").click();
  await expect(by(page, "who-wrote").getByRole("listitem")).toHaveText(["Qwen 1.5B", "Qwen 0.5B", "Max-Gram"]);
  await expect(by(page, "who-wrote").locator("p")).toHaveText(answered.messages[1]!.text, { useInnerText: true });
  await expect(by(page, "who-wrote").locator("p .max-gram")).toHaveText("hem to the sea.");
  await expect(by(page, "replay-start")).toBeDisabled();
  await expect(by(page, "replay-hint")).toHaveText("Qwen 1.5B wrote this answer: choose that model to replay it.");
  await engine(page, { kind: "ready", loaded: { ladder: "qwen-coder", rungs: ["Qwen 1.5B"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 1, passTimes: [] } });
  await by(page, "replay-start").click();
  await expect(by(page, "send")).toBeVisible();
  await chat(page, { kind: "text", text: answered.messages[1]!.text });
  await chat(page, { kind: "finished", receipt: { ...ladder, cascade: false, seconds: 15.2 } });
  await end(page);
  await expect(by(page, "replay-verdict")).toHaveText("The same answer, character for character. Measured, from the first word on: 8.8 s with the speed-up, 15.0 s without.");
  await expect(by(page, "message-text"), "nothing of it stays").toHaveCount(2);
  await by(page, "replay-start").click();
  await chat(page, { kind: "text", text: "Rivers are wet." });
  await chat(page, { kind: "finished", receipt: { ...ladder, cascade: false } });
  await end(page);
  await expect(by(page, "replay-verdict")).toContainText("differ from character 8 on. In exact mode this must not happen");
});

test("a conversation is shown where it was left, and the end is one key away", async ({ page }) => {
  await open(page, { conversation: long, others });
  const view = by(page, "transcript");
  const below = () => view.evaluate((view) => view.scrollHeight - view.scrollTop - view.clientHeight);
  await expect.poll(below).toBeLessThan(2);
  await view.evaluate((view) => (view.scrollTop = 700));
  await expect(by(page, "latest")).toBeVisible();
  await by(page, "conversation").filter({ hasText: "VLOOKUP" }).click();
  await expect(by(page, "message-text")).toHaveCount(1);
  const { message, offset } = (await args(page, "save_place")).at(-1)?.place as { message: number; offset: number };
  await by(page, "conversation").filter({ hasText: "A long talk" }).click();
  const above = () => view.evaluate((view, id) => view.getBoundingClientRect().top - view.querySelector(`[data-message="${id}"]`)!.getBoundingClientRect().top, message);
  await expect.poll(above).toBeCloseTo(offset, -0.5);
  await expect(by(page, "latest")).toBeVisible();
  await page.keyboard.press("Control+End");
  await expect.poll(below).toBeLessThan(2);
  await expect(by(page, "latest")).toHaveCount(0);
  await expect.poll(async () => (await args(page, "save_place")).at(-1)).toEqual({ conversation: 8, place: null });
});

test("an answer that is written elsewhere does not move what one reads", async ({ page }) => {
  await open(page, { conversation: conversation({ id: 1 }), others: [{ conversation: long, atMs: 0 }] });
  await ask(page, "Tell me a story.");
  await by(page, "conversation").filter({ hasText: "A long talk" }).click();
  const view = by(page, "transcript");
  await expect(page.locator("[data-message='139']")).toBeVisible();
  await view.evaluate((view) => (view.scrollTop -= 900));
  await expect(by(page, "latest")).toBeVisible();
  const place = () => page.locator("[data-message='139']").evaluate((message) => message.getBoundingClientRect().top);
  const before = await place();
  await chat(page, { kind: "text", text: "Once upon a time. ".repeat(200) });
  await chat(page, { kind: "finished", receipt });
  await end(page);
  expect(await place()).toBe(before);
});

test("an answer that had to be ended to stop it is only stopped, and can be given again", async ({ page }) => {
  const problem = { code: "cancelled" as const, details: {} };
  const [question] = brief().messages;
  await open(page, { conversation: conversation({ messages: [{ ...question!, versions: [1] }, { id: 2, speaker: "assistant", text: "", problem }] }) });
  await expect(by(page, "message-assistant")).toContainText("Stopped.");
  await expect(by(page, "problem")).toHaveCount(0);
  await by(page, "answer-again").click();
  expect((await calls(page, "answer_again")).length).toBe(1);
});
