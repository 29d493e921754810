import { expect, type Page } from "@playwright/test";
import { english, japanese } from "./answers";
import { accessible, ask, by, chat, conversation, inside, open, picture, receipt, test } from "./window";

const answers = (...texts: string[]) =>
  conversation({
    messages: texts.flatMap((text, index) => [
      { id: 2 * index + 1, speaker: "user" as const, text: "Why is the sea **salty**?" },
      { id: 2 * index + 2, speaker: "assistant" as const, text, receipt },
    ]),
  });

const answer = (page: Page) => by(page, "message-assistant").last().getByTestId("message-text");

for (const [language, theme, text] of [["en", "light", english], ["en", "dark", english], ["ja", "light", japanese], ["ja", "dark", japanese]] as const) {
  for (const [name, width] of [["wide", 1000], ["narrow", 420]] as const) {
    test(`a set answer, ${language}, ${theme}, ${name}: accessible and inside of the window`, async ({ page }) => {
      await page.setViewportSize({ width, height: 2400 });
      await open(page, { conversation: answers(text), settings: { language, theme } });
      await expect(answer(page).locator(".katex-display").first()).toBeVisible();
      await expect(answer(page).locator("pre .keyword").first()).toBeVisible();
      await page.evaluate(() => document.fonts.ready);
      await picture(page, `answer-${language}-${theme}-${name}`);
      await inside(page);
      expect(await page.evaluate(() => { const view = document.querySelector("main section")!; return view.scrollWidth - view.clientWidth; })).toBeLessThanOrEqual(0);
      await accessible(page);
    });
  }
}

test("code, tables and answers are copied as what they are", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, { conversation: answers(english) });
  const copied = (type: string) => page.evaluate(async (type) => (await (await navigator.clipboard.read())[0]?.getType(type))?.text(), type);
  const press = async (name: string) => {
    await by(page, "message-assistant").getByRole("button", { name, exact: true }).click();
    await expect(page.getByRole("button", { name: "Copied" })).toHaveCount(1);
  };
  await press("Copy code");
  expect(await copied("text/plain")).toMatch(/^# Salinity of a sample\ndef salinity[^]*no other$/);
  await expect(page.getByRole("button", { name: "Copied" })).toHaveCount(0);
  await press("Copy table");
  expect(await copied("text/plain")).toContain("Chloride\t55.0 %\tvolcanic gas");
  expect(await copied("text/html")).toContain("<table>");
  await expect(page.getByRole("button", { name: "Copied" })).toHaveCount(0);
  await press("Copy");
  expect(await copied("text/plain")).toBe(english);
  expect(await copied("text/html")).toMatch(/<h2>Why the sea is salty<\/h2>[^]*<strong>minerals<\/strong>[^]*&lt;b onclick/);
  await expect(page.getByRole("button", { name: "Copied" })).toHaveCount(0);
  await press("Copy as Markdown");
  expect(await copied("text/plain")).toBe(english);
});

test("a link shows its address to pointer and keyboard, and gives it along instead of leading there", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, { conversation: answers(english) });
  const link = page.getByRole("link", { name: "the ocean service" });
  const address = "https://oceanservice.noaa.gov/facts/whysalty.html";
  await link.hover();
  await expect(page.getByRole("tooltip")).toContainText(address);
  await picture(page, "link");
  await page.mouse.move(0, 0);
  await expect(page.getByRole("tooltip")).toHaveCount(0);
  await page.getByRole("region", { name: "Conversation" }).focus();
  // The actions of the question come first.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(link).toBeFocused();
  await expect(page.getByRole("tooltip")).toContainText(address);
  await expect(link).toHaveAccessibleDescription(new RegExp(address));
  await accessible(page);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("tooltip")).toContainText("Address copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address);
  await page.keyboard.press("Escape");
  await expect(page.getByRole("tooltip")).toHaveCount(0);
  expect(new URL(page.url()).pathname).toBe("/");
});

test("finished blocks are left as they are while an answer grows, and nothing above the end moves", async ({ page }) => {
  await page.setViewportSize({ width: 900, height: 4000 });
  await open(page);
  await ask(page, "Why?");
  // Every block of the answer as elements: how often one that was finished was touched, and by how much one moved.
  const counts = await page.evaluate(async (text) => {
    const frame = () => new Promise(requestAnimationFrame);
    window.app.chat({ kind: "text", text: "```js\n1\n```\n\n$x$\n\n" });
    while (!document.querySelector(".markdown .katex") || !document.querySelector(".markdown pre .number")) await frame();
    await document.fonts.ready;
    const markdown = document.querySelector(".markdown")!;
    let touched = 0;
    let moved = 0;
    const watcher = new MutationObserver((records) => {
      for (const { target } of records) {
        let block: Node | null = target;
        while (block && block.parentNode !== markdown) block = block.parentNode;
        // The last two may be one that has just ended and one that has just begun.
        if (block && [...markdown.children].indexOf(block as Element) < markdown.children.length - 3) touched += 1;
      }
    });
    watcher.observe(markdown, { subtree: true, childList: true, characterData: true, attributes: true });
    let before: number[] = [];
    let frames = 0;
    for (let at = 0; at < text.length; at += 5, frames++) {
      window.app.chat({ kind: "text", text: text.slice(at, at + 5) });
      await frame();
      await frame();
      const tops = [...markdown.children].map((block) => block.getBoundingClientRect().top);
      before.slice(0, -3).forEach((top, index) => (moved += Number(Math.abs(top - (tops[index] ?? 0)) > 0.5)));
      before = tops;
    }
    return { touched, moved, frames, blocks: before.length };
  }, english);
  expect(counts.frames).toBeGreaterThan(200);
  expect(counts.blocks).toBeGreaterThan(15);
  expect(counts).toMatchObject({ touched: 0, moved: 0 });
});

test("a conversation of a thousand messages opens at its end and can be scrolled to its beginning without a jump", async ({ page }) => {
  test.slow();
  const messages = Array.from({ length: 1000 }, (_, index) => ({
    id: index + 101,
    speaker: index % 2 ? ("assistant" as const) : ("user" as const),
    text: index % 2 ? `### Answer ${index}\n\n- **one** of ${index}\n- two\n\n| a | b |\n|---|---|\n| 1 | ${index} |\n\nText.` : `Question ${index}`,
    receipt: index % 2 ? receipt : null,
  }));
  await open(page, { conversation: conversation({ messages }) });
  const view = page.getByRole("region", { name: "Conversation" });
  const below = () => view.evaluate((view) => view.scrollHeight - view.scrollTop - view.clientHeight);
  await expect(page.getByText("Question 998")).toBeVisible();
  await expect.poll(below).toBeLessThan(2);
  expect(await page.locator("article").count(), "only what is near").toBeLessThan(60);

  // Up to the first, a step at a time: messages come before they are seen, and the line that one reads does not move.
  const steps = await view.evaluate(async (view) => {
    let [steps, jumps] = [0, 0];
    while (view.scrollTop > 0 && steps < 5000) {
      const read = document.elementsFromPoint(400, 300).find((element) => element.matches("article")) ?? null;
      const before = read?.getBoundingClientRect().top ?? 0;
      const by = Math.min(600, view.scrollTop);
      view.scrollTop -= by;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      if (read && Math.abs(read.getBoundingClientRect().top - before - by) > 2) jumps += 1;
      steps += 1;
    }
    return { steps, jumps, first: document.querySelector("article")?.textContent };
  });
  expect(steps.jumps).toBe(0);
  expect(steps.first).toContain("Question 0");
  expect(steps.steps).toBeGreaterThan(100);
  await expect(page.locator("article")).toHaveCount(1000);
  await ask(page, "Next?");
  await chat(page, { kind: "text", text: "word\n\n".repeat(50) });
  await expect.poll(below).toBeLessThan(2);
  await expect(page.locator("article")).toHaveCount(1002);
});
