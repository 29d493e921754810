// The composer: files by every way in, instructions, waiting for the model, and how much room is left.
import { expect, type Page } from "@playwright/test";
import { coder, ladderCard, smollm2 } from "./mock/shelf";
import { answered } from "./states/samples";
import { ask, by, calls, chat, conversation, engine, open, settings, test } from "./window";

const args = async (page: Page, name: string) => (await calls(page, name)).map((call) => call.args);
const loading = { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0.6 } as const;
const loaded = { ladder: "smollm2", rungs: [], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] };

test("a click anywhere in its frame leads to the text", async ({ page }) => {
  await open(page);
  for (const place of [page.locator("form"), page.locator("form .row")]) {
    const box = (await place.boundingBox())!;
    await page.getByRole("button", { name: "Settings" }).focus();
    // Between the menus and the button that sends, and at the lower edge of the frame.
    await page.mouse.click(box.x + box.width * 0.7, box.y + box.height - 4);
    await expect(by(page, "composer")).toBeFocused();
  }
});

test("it grows with its text up to a part of the window", async ({ page }) => {
  await open(page);
  const height = () => by(page, "composer").evaluate((field) => field.clientHeight);
  const before = await height();
  await by(page, "composer").fill("line\n".repeat(6));
  expect(await height()).toBeGreaterThan(before * 1.5);
  await by(page, "composer").fill("line\n".repeat(200));
  expect(await height()).toBeLessThan(720 * 0.41);
  await by(page, "composer").fill("");
  expect(await height()).toBe(before);
});

test("files come in by the button and go along with the message", async ({ page }) => {
  await open(page);
  await expect(by(page, "attach")).toHaveAttribute("data-tip", "Attach files · Text, Markdown, CSV, PDF, Word or Excel, up to 20 MB each, at most 10");
  const choosing = page.waitForEvent("filechooser");
  await by(page, "attach").click();
  await (await choosing).setFiles({ name: "売上.csv", mimeType: "text/csv", buffer: Buffer.from("a,b,c\n1,2,3") });
  await expect(by(page, "attachment")).toHaveText("売上.csv 3 tokens");
  expect((await args(page, "attach"))[0]).toMatchObject({ conversation: 1, name: "売上.csv", base64: btoa("a,b,c\n1,2,3") });
  await expect(by(page, "composer")).toBeFocused();
  await ask(page, "Sum up.");
  await expect(by(page, "message-user").getByTestId("attachment")).toHaveText("売上.csv 3 tokens");
  await expect(page.locator("form").getByTestId("attachment")).toHaveCount(0);
});

test("files come in by dropping, and can be taken out again", async ({ page }) => {
  await open(page);
  await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["x"], "notes.md"));
    for (const name of ["dragenter", "dragover", "drop"]) window.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
  });
  await expect(by(page, "attachment")).toContainText("notes.md");
  await expect(by(page, "drop")).toHaveCount(0);
  await page.getByRole("button", { name: "Remove notes.md" }).click();
  await expect(by(page, "attachment")).toHaveCount(0);
  expect(await args(page, "detach")).toEqual([{ attachment: 1 }]);
  await expect(by(page, "composer")).toBeFocused();
});

test("files that the app is given where the page is told of none are attached too", async ({ page }) => {
  await open(page);
  await page.evaluate(() => window.app.dragged({ over: true, waiting: 0 }));
  await expect(by(page, "drop")).toBeVisible();
  await page.evaluate(() => {
    window.app.give.dragged = [{ ticket: 3, name: "notes.md", bytes: 6 }];
    window.app.dragged({ over: false, waiting: 1 });
  });
  await expect(by(page, "attachment")).toContainText("notes.md");
  await expect(by(page, "drop")).toHaveCount(0);
  expect((await args(page, "dragged_file"))[0]).toEqual({ ticket: 3 });
  expect((await args(page, "attach"))[0]).toMatchObject({ name: "notes.md", base64: btoa("let go") });
  await expect(by(page, "composer")).toBeFocused();
});

async function paste(page: Page, data: Record<string, string>, file?: string) {
  await by(page, "composer").evaluate(
    (field, { data, file }) => {
      const clipboardData = new DataTransfer();
      for (const [type, text] of Object.entries(data)) clipboardData.setData(type, text);
      if (file) clipboardData.items.add(new File(["x"], file));
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    },
    { data, file },
  );
}

test("a pasted file and a pasted table are attached, pasted words are not", async ({ page }) => {
  await open(page);
  await paste(page, {}, "scan.pdf");
  await expect(by(page, "attachment")).toContainText("scan.pdf");
  await paste(page, { "text/html": "<table><tr><td>a", "text/plain": "a\tb\r\n1\t2\r\n" });
  await expect(by(page, "attachment").last()).toContainText("Pasted table.tsv");
  expect((await args(page, "attach")).at(-1)).toMatchObject({ base64: btoa("a\tb\n1\t2") });
  await paste(page, { "text/html": "<table><tr><td>one cell", "text/plain": "one cell" });
  await paste(page, { "text/html": "<p>words", "text/plain": "words\twith a tab\nand a line" });
  await expect(by(page, "attachment")).toHaveCount(2);
});

test("a file that cannot be taken says why and does not stop the others", async ({ page }) => {
  await open(page, { limits: { attachmentBytes: 5, attachments: 10 } });
  await by(page, "attach-input").setInputFiles([
    { name: "large.txt", mimeType: "text/plain", buffer: Buffer.from("123456") },
    { name: "small.txt", mimeType: "text/plain", buffer: Buffer.from("1") },
  ]);
  await expect(by(page, "refused")).toHaveAttribute("data-code", "document_too_large");
  await expect(by(page, "refused")).toContainText("large.txt");
  await expect(by(page, "attachment")).toContainText("small.txt");
  await by(page, "refused").getByRole("button").click();
  await expect(by(page, "refused")).toHaveCount(0);
});

test("a file that is too long for the model says so at once, with its name", async ({ page }) => {
  await open(page, { give: { prompt_size: { tokens: 9020, context: 8192, least: 9020 }, attach: { id: 1, name: "book.txt", bytes: 36000, characters: 36000, tokens: 9000, cut: false, part: "whole" } } });
  await by(page, "attach-input").setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await expect(by(page, "room")).toHaveText("“book.txt” alone is too long: 9,000 tokens, and this conversation holds 8,192. A part of it can be read.");
  await expect(by(page, "leave-out")).toHaveCount(0);
  await expect(by(page, "send")).toBeDisabled();
  await page.evaluate(() => (window.app.give.prompt_size = null));
  await page.getByRole("button", { name: "Remove book.txt" }).click();
  await expect(by(page, "room")).toHaveText("");
});

test("of a file that is too long a part is read, or all of it again", async ({ page }) => {
  await open(page, { give: { prompt_size: { tokens: 9020, context: 8192, least: 9020 }, attach: { id: 1, name: "book.txt", bytes: 36000, characters: 36000, tokens: 9000, cut: false, part: "whole" } } });
  await by(page, "attach-input").setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  for (const [choice, part, note] of [
    ["read-passages", "passages", "only what goes with your questions"],
    ["read-beginning", "beginning", "first part only"],
  ] as const) {
    await page.evaluate(() => (window.app.give.prompt_size = { tokens: 6100, context: 8192, least: null }));
    await by(page, choice).click();
    await expect(by(page, "attachment")).toContainText(note);
    await expect(by(page, "composer")).toBeFocused();
    await expect(by(page, "read-passages")).toHaveCount(0);
    expect((await args(page, "read_part")).at(-1)).toEqual({ attachment: 1, part });
    await page.evaluate(() => (window.app.give.prompt_size = { tokens: 9020, context: 8192, least: 9020 }));
    await page.getByRole("button", { name: "Read all of book.txt again" }).click();
    await expect(by(page, "attachment")).not.toContainText(note);
    expect((await args(page, "read_part")).at(-1)).toEqual({ attachment: 1, part: "whole" });
  }
});

test("a message that is sent while an answer is written here waits for its end, which is said", async ({ page }) => {
  await open(page);
  await by(page, "composer").fill("Why?");
  await by(page, "composer").press("Enter");
  await chat(page, { kind: "saved", message: 11, answer: 12 });
  await chat(page, { kind: "reading", done: 1, total: 4 });
  await by(page, "composer").fill("And how?");
  await by(page, "composer").press("Enter");
  await expect(by(page, "queued")).toContainText("Will be sent when this answer is finished.");
});

test("a file that is more than the context holds keeps its message here, whatever is typed", async ({ page }) => {
  await open(page, { give: { prompt_size: null, attach: { id: 1, name: "book.txt", bytes: 36000, characters: 36000, tokens: 9000, cut: false, part: "whole" } } });
  await by(page, "attach-input").setInputFiles({ name: "book.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await by(page, "composer").fill("What is it about?");
  await expect(by(page, "read-passages")).toBeVisible();
  await by(page, "composer").press("Enter");
  await expect(by(page, "send")).toBeDisabled();
  expect(await calls(page, "send")).toHaveLength(0);
});

test("a message that is too long by itself is not helped by reading less of what stands above", async ({ page }) => {
  await open(page, { conversation: answered, give: { prompt_size: { tokens: 9020, context: 8192, least: 9000 } } });
  await by(page, "composer").fill("A very long story.");
  await expect(by(page, "room")).toHaveText(/^This message alone is too long: 9,020 tokens/);
  await expect(by(page, "leave-out")).toHaveCount(0);
  await expect(by(page, "summarise")).toHaveCount(0);
});

test("one that is too long to be counted says so too", async ({ page }) => {
  await open(page, { give: { prompt_size: { tokens: null, context: 8192, least: null }, attach: { id: 1, name: "library.txt", bytes: 36e6, characters: 36e6, tokens: null, cut: false, part: "whole" } } });
  await by(page, "attach-input").setInputFiles({ name: "library.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await expect(by(page, "room")).toHaveText("“library.txt” alone is too long: more than 8,192 tokens, and this conversation holds 8,192. A part of it can be read.");
  await expect(by(page, "read-passages")).toBeVisible();
});

test("instructions are chosen by keyboard, shown, and can be the user's own", async ({ page }) => {
  await open(page, { settings: { ...settings, presets: [{ name: "Short", text: "Three sentences at most." }] } });
  await by(page, "presets").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("menuitemradio")).toHaveText(["No instructions", "Rewrite politely", "Summarise", "Translate 日本語⇄English", "Explain a spreadsheet formula", "Short"]);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  expect(await args(page, "set_system")).toEqual([{ conversation: 1, text: "Three sentences at most." }]);
  await expect(by(page, "presets")).toHaveText("Short");
  await expect(by(page, "composer")).toBeFocused();
});

test("ready-made instructions are the same ones in the other language; unknown ones are kept", async ({ page }) => {
  await open(page);
  await by(page, "presets").click();
  await page.getByRole("menuitemradio", { name: "Summarise" }).click();
  await page.keyboard.press("Control+,");
  await by(page, "language-select").selectOption("ja");
  await by(page, "settings-close").click();
  await expect(by(page, "presets")).toHaveText("要約する");
});

test("instructions from elsewhere are shown as others", async ({ page }) => {
  await open(page, { conversation: conversation({ system: "Be a pirate." }) });
  await expect(by(page, "presets")).toHaveText("Other instructions");
  await by(page, "presets").click();
  await page.getByRole("menuitemradio", { name: "No instructions" }).click();
  expect(await args(page, "set_system")).toEqual([{ conversation: 1, text: "" }]);
});

test("a message typed while the model is loaded is sent by itself", async ({ page }) => {
  await open(page, { engine: loading });
  await engine(page, loading);
  await by(page, "composer").fill("Why is the sea salty?");
  await by(page, "composer").press("Enter");
  await expect(by(page, "queued")).toContainText("Will be sent as soon as the model is ready.");
  await expect(by(page, "said")).toHaveText("The message is waiting.");
  expect(await calls(page, "send")).toEqual([]);
  await engine(page, { kind: "ready", loaded });
  await expect.poll(() => args(page, "send")).toMatchObject([{ text: "Why is the sea salty?" }]);
  await chat(page, { kind: "saved", message: 11, answer: 12 });
  await expect(by(page, "queued")).toHaveCount(0);
  await expect(by(page, "composer")).toHaveValue("");
});

test("a message that waits is taken back by button or Escape, and stays typed", async ({ page }) => {
  await open(page, { engine: loading });
  for (const back of [() => by(page, "queued").getByRole("button", { name: "Don't send" }).click(), () => page.keyboard.press("Escape")]) {
    await by(page, "composer").fill("Why?");
    await by(page, "composer").press("Enter");
    await expect(by(page, "queued")).toBeVisible();
    await back();
    await expect(by(page, "queued")).toHaveCount(0);
    await expect(by(page, "composer")).toHaveValue("Why?");
  }
  await engine(page, { kind: "ready", loaded });
  await expect(by(page, "send")).toBeEnabled();
  expect(await calls(page, "send")).toEqual([]);
});

test("how much room is left is said near the end, and what does not fit before it is sent", async ({ page }) => {
  await open(page, { give: { prompt_size: { tokens: 1000, context: 8192, least: null } } });
  await by(page, "composer").fill("Why?");
  await expect.poll(() => calls(page, "prompt_size")).toHaveLength(1);
  await expect(by(page, "room")).toBeEmpty();
  await page.evaluate(() => (window.app.give.prompt_size = { tokens: 7000, context: 8192, least: null }));
  await by(page, "composer").fill("Why not?");
  await expect(by(page, "room")).toHaveText("About 1,192 tokens left in this conversation.");
  await page.evaluate(() => (window.app.give.prompt_size = { tokens: 9000, context: 8192, least: 9000 }));
  await by(page, "composer").fill("Why not, then?");
  await expect(by(page, "room")).toHaveText(/^This message alone is too long: 9,000 tokens, and this conversation holds 8,192\. Shorten it/);
  await expect(by(page, "send")).toBeDisabled();
});

test("which model answers is seen beside the message field, and another one is chosen there", async ({ page }) => {
  await open(page, { ladders: [smollm2, { ...coder, missingBytes: 0 }, ladderCard({ id: "far", name: "Far", missingBytes: 9 })] });
  await expect(by(page, "model-menu")).toContainText("SmolLM2");
  await by(page, "model-menu").click();
  await expect(page.getByRole("menuitemradio")).toHaveText(["SmolLM2", coder.name]);
  await page.getByRole("menuitemradio").last().click();
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ ladder: coder.id });
  await expect(by(page, "composer")).toBeFocused();
  await by(page, "model-menu").click();
  await page.getByRole("menuitem", { name: "Models and ladders …" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
});

test("the oldest messages can be left out, and read again", async ({ page }) => {
  await open(page, { conversation: answered, give: { prompt_size: { tokens: 9000, context: 8192, least: 30 }, leave_out: 2 } });
  await by(page, "composer").fill("And then?");
  await expect(by(page, "room")).toContainText("Too long");
  await expect(by(page, "left-out")).toHaveCount(0);
  await page.evaluate(() => (window.app.give.prompt_size = { tokens: 1000, context: 8192 }));
  await by(page, "leave-out").click();
  expect(await args(page, "leave_out")).toEqual([{ conversation: 3, asked: null, parent: 4, text: "And then?" }]);
  await expect(by(page, "room")).toBeEmpty();
  await expect(by(page, "composer")).toBeFocused();
  // Between what is left out and what is read.
  await expect(page.locator("[data-message='2'], [data-testid=left-out], [data-message='3']")).toHaveText([/Rivers dissolve/, /The model reads from here on\./, /Tell me a long story/]);
  await by(page, "read-all").click();
  expect(await calls(page, "read_all")).toHaveLength(1);
  await expect(by(page, "left-out")).toHaveCount(0);
});

test("the oldest messages can be summarised, and the summary read", async ({ page }) => {
  await open(page, { conversation: answered, give: { prompt_size: { tokens: 9000, context: 8192, least: 30 } } });
  await by(page, "composer").fill("And then?");
  await by(page, "summarise").click();
  await expect.poll(() => args(page, "summarise")).toMatchObject([{ conversation: 3, asked: null, parent: 4, text: "And then?" }]);
  await page.evaluate(() => window.app.chat({ kind: "reading", done: 1, total: 4 }));
  await expect(by(page, "summarising").getByRole("progressbar")).toHaveJSProperty("value", 0.25);
  // What is sent meanwhile waits.
  await by(page, "composer").press("Enter");
  await expect(by(page, "queued")).toContainText("when the summary is finished");
  await by(page, "composer").press("Escape");
  await page.evaluate(() => {
    window.app.give.prompt_size = { tokens: 1000, context: 8192 };
    window.app.give.summarise = { last: 2, summary: "Salt comes from **rivers**." };
    window.app.end();
  });
  await expect(by(page, "left-out")).toContainText("and a summary of what stands above");
  await by(page, "summary").locator("summary").click();
  await expect(by(page, "summary").locator("strong")).toHaveText("rivers");
  await expect(by(page, "room")).toBeEmpty();
  await expect(by(page, "summarising")).toHaveCount(0);
});

test("a summary can be stopped: all stays as it was", async ({ page }) => {
  await open(page, { conversation: answered, give: { prompt_size: { tokens: 9000, context: 8192, least: 30 } } });
  await page.evaluate(() => {
    window.app.hold.push("summarise");
    window.app.refuse.summarise = { code: "cancelled", details: {} };
  });
  await by(page, "composer").fill("And then?");
  await by(page, "summarise").click();
  await by(page, "composer").press("Escape");
  expect(await calls(page, "stop")).toHaveLength(1);
  await page.evaluate(() => window.app.go());
  await expect(by(page, "summarising")).toHaveCount(0);
  await expect(by(page, "left-out")).toHaveCount(0);
  await expect(by(page, "problem")).toHaveCount(0);
  await expect(by(page, "composer")).toHaveValue("And then?");
});

test("a file without contents is refused before it is read, as a pipe would have to be", async ({ page }) => {
  await open(page);
  await by(page, "attach-input").setInputFiles({ name: "pipe.txt", mimeType: "text/plain", buffer: Buffer.from("") });
  await expect(by(page, "refused")).toHaveAttribute("data-code", "document_empty");
  expect(await calls(page, "attach")).toHaveLength(0);
});

test("a file that cannot be opened is named", async ({ page }) => {
  await open(page);
  await page.evaluate(() => (File.prototype.arrayBuffer = () => Promise.reject(new DOMException("gone", "NotFoundError"))));
  await by(page, "attach-input").setInputFiles({ name: "gone.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await expect(by(page, "refused")).toHaveAttribute("data-code", "document_unreadable");
  await expect(by(page, "refused")).toContainText("“gone.txt” cannot be opened.");
});

test("a very long text is pasted as a file", async ({ page }) => {
  await open(page);
  const paste = (length: number) =>
    by(page, "composer").evaluate((field, length) => {
      const data = new DataTransfer();
      data.setData("text/plain", "word ".repeat(length / 5));
      field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, length);
  await paste(1000);
  expect(await calls(page, "attach")).toHaveLength(0);
  await paste(200_000);
  await expect.poll(async () => (await args(page, "attach")).map((call) => call.name)).toEqual(["Pasted text.txt"]);
  await expect(by(page, "composer")).toHaveValue("");
});

test("with an empty field Alt with an arrow turns the last versions", async ({ page }) => {
  await open(page, { conversation: answered });
  await by(page, "composer").press("Alt+ArrowLeft");
  expect(await args(page, "choose_version")).toEqual([{ message: 5 }]);
  await by(page, "composer").fill("x");
  await by(page, "composer").press("Alt+ArrowLeft");
  expect(await calls(page, "choose_version")).toHaveLength(1);
});

test("files that were attached before a model was there are counted once it is", async ({ page }) => {
  const card = { id: 1, name: "a.txt", bytes: 9, characters: 9, tokens: null, cut: false, part: "whole" as const };
  const counted = conversation({ attached: [{ ...card, tokens: 7 }] });
  await open(page, { conversation: conversation({ attached: [card] }), give: { prompt_size: { tokens: 30, context: 8192, least: null }, open_conversation: counted } });
  await expect(by(page, "composer").locator("..")).toContainText("7 tokens");
});

test("a question that was refused as too long is answered without the oldest messages", async ({ page }) => {
  const problem = { code: "prompt_too_long" as const, details: { tokens: "9000", context: "8192" } };
  const [question, answer] = answered.messages;
  const refused = { ...answer!, id: 4, parent: 3, versions: [4], text: "", receipt: null, problem };
  await open(page, { conversation: conversation({ messages: [question!, answer!, { ...question!, id: 3, versions: [3] }, refused] }), give: { leave_out: 2 } });
  await by(page, "problem").getByRole("button", { name: "Leave out the oldest" }).click();
  await expect.poll(() => args(page, "leave_out")).toEqual([{ conversation: 1, asked: 3, parent: 4, text: "" }]);
  await expect.poll(() => args(page, "answer_again")).toMatchObject([{ message: 3 }]);
  await expect(by(page, "left-out")).toBeVisible();
});
