// Answers that try to run script, to call out or to hold up the window.
import { expect, type Page } from "@playwright/test";
import { payloads } from "./payloads";
import { ask, by, chat, conversation, open, test } from "./window";

const said = (text: string, index: number) => ({ id: index + 1, speaker: "assistant" as const, text });

/** What went out or ran, as far as the browser can tell. */
async function watched(page: Page) {
  const seen: string[] = [];
  const home = new URL(String(test.info().project.use.baseURL)).origin;
  page.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    // The window's own parts, and a picture that is in the text itself.
    const own = origin === home && (pathname === "/" || pathname.startsWith("/assets/") || pathname === "/favicon.ico");
    if (!own && !request.url().startsWith("data:image/png;base64,")) seen.push(request.url());
  });
  page.on("dialog", (dialog) => {
    seen.push(dialog.message());
    void dialog.dismiss();
  });
  page.on("popup", (popup) => seen.push(popup.url()));
  page.on("download", (download) => seen.push(download.url()));
  page.on("framenavigated", (frame) => new URL(frame.url()).pathname !== "/" && seen.push(frame.url()));
  await page.addInitScript(() => Object.assign(window, { pwned: () => Object.assign(window, { ran: true }) }));
  return seen;
}

/** Scrolls up until every message is there. */
async function all(page: Page, count: number) {
  const view = page.locator("main section");
  await expect
    .poll(async () => {
      await view.evaluate((view) => (view.scrollTop = 0));
      return by(page, "message-assistant").count();
    }, { intervals: [20] })
    .toBe(count);
}

/** Every element of the answers that is not one of those the tree knows, and every attribute that could do something. */
const strangers = (page: Page) =>
  page.evaluate(() => {
    const known = new Set("P H2 H3 H4 H5 H6 UL OL LI SPAN STRONG EM DEL CODE PRE BR HR BLOCKQUOTE FIGURE FIGCAPTION DIV TABLE THEAD TBODY TR TH TD BUTTON IMG SMALL".split(" "));
    const found: string[] = [];
    for (const element of document.querySelectorAll(".markdown *")) {
      const formula = element.closest(".katex") !== null;
      if (!known.has(element.tagName) && !(formula && ["http://www.w3.org/1998/Math/MathML", "http://www.w3.org/2000/svg"].includes(element.namespaceURI ?? ""))) found.push(element.outerHTML.slice(0, 200));
      for (const { name, value } of element.attributes) {
        const harmless = /^(class|lang|role|aria-[a-z]+|tabindex|scope|start|id|popover|alt)$/.test(name);
        const drawn = formula && /^(style|xmlns|encoding|d|width|height|viewBox|preserveAspectRatio|mathvariant|display|stretchy|fence|separator|accent|accentunder|scriptlevel|displaystyle|rowspacing|columnalign|columnspacing|mathcolor|linethickness|minsize|maxsize|lspace|rspace|voffset|form|largeop|movablelimits|symmetric|mathbackground|mathsize|columnlines|rowlines|notation|intent|data-[a-z-]+)$/.test(name);
        const placed = element.matches(".address") && name === "style";
        const picture = element.tagName === "IMG" && name === "src" && value.startsWith("data:image/png;base64,");
        if (!(harmless || drawn || placed || picture) || /javascript:|url\(/i.test(name === "alt" ? "" : value) && !name.startsWith("aria-")) found.push(`${element.tagName} ${name}=${value.slice(0, 100)}`);
      }
    }
    return found;
  });

test("there are at least 300 of them, all different", () => {
  expect(new Set(payloads).size).toBe(payloads.length);
  expect(payloads.length).toBeGreaterThan(1000);
});

const SHARES = 8;
for (let share = 0; share < SHARES; share++) {
  test(`no answer becomes more than text, ${share + 1} of ${SHARES}`, async ({ page }) => {
    const seen = await watched(page);
    const mine = payloads.filter((_, index) => index % SHARES === share);
    await open(page, { conversation: conversation({ messages: mine.map(said) }) });
    await all(page, mine.length);
    await expect(page.locator(".katex").first()).toBeAttached();
    expect(await strangers(page)).toEqual([]);

    // Point at, focus and click every link there is: none leads away.
    const links = await page.locator(".markdown .link").count();
    expect(links).toBeGreaterThan(10);
    await page.evaluate(() => {
      for (const link of document.querySelectorAll<HTMLElement>(".markdown .link")) {
        link.dispatchEvent(new PointerEvent("pointerenter"));
        link.focus();
        link.click();
        link.dispatchEvent(new MouseEvent("auxclick", { button: 1, bubbles: true }));
      }
    });
    expect(await strangers(page)).toEqual([]);
    await page.evaluate(() => Promise.all([document.fonts.ready, new Promise(requestAnimationFrame)]));
    expect(await page.evaluate(() => "ran" in window)).toBe(false);
    expect(seen).toEqual([]);
    expect(new URL(page.url()).pathname).toBe("/");
  });
}

test("nor does one while it is being written, a few letters at a time", async ({ page }) => {
  const seen = await watched(page);
  await open(page);
  await ask(page, "Try.");
  const text = payloads.filter((payload, index) => index % 6 === 0 && !payload.startsWith("```")).join("\n\n");
  // All of it in one page: each part is painted before the next one comes.
  await page.evaluate(async (text) => {
    for (let at = 0; at < text.length; at += 97) {
      window.app.chat({ kind: "text", text: text.slice(at, at + 97) });
      await new Promise(requestAnimationFrame);
    }
  }, text);
  await expect(by(page, "message-text").last()).toContainText("passwd");
  expect(await strangers(page)).toEqual([]);
  expect(await page.evaluate(() => "ran" in window)).toBe(false);
  expect(seen).toEqual([]);
});

test("markup is shown as it was written", async ({ page }) => {
  const raw = payloads.filter((payload) => /^<[a-z]+ src=x/.test(payload) && !/[\n\0]/.test(payload));
  expect(raw.length).toBeGreaterThan(100);
  await open(page, { conversation: conversation({ messages: raw.map(said) }) });
  await all(page, raw.length);
  expect(await by(page, "message-text").allTextContents()).toEqual(raw);
});

test("a picture from elsewhere is a link with its address, one in the text is shown", async ({ page, complaints }) => {
  const data = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const seen = await watched(page);
  await open(page, { conversation: conversation({ messages: [said(`![A map](https://evil.example/map.png) ![dot](${data})`, 0)] }) });
  const text = by(page, "message-text");
  await expect(text.getByRole("img", { name: "dot" })).toHaveJSProperty("naturalWidth", 1);
  await text.getByText("Picture: A map").hover();
  await expect(text.getByRole("tooltip")).toContainText("https://evil.example/map.png");
  expect(seen).toEqual([]);
  expect(complaints).toEqual([]);
});

const giants: Record<string, string> = {
  "a line of a megabyte": "word ".repeat(200_000),
  "a word of a megabyte": "x".repeat(1_000_000),
  "a table of 5,000 rows": `| a | b | c |\n|---|:-:|--:|\n${"| 1 | 2 | 3 |\n".repeat(5000)}`,
  "100,000 quotes in each other": ">".repeat(100_000),
  "lists in each other": Array.from({ length: 500 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n"),
  "100,000 brackets": "[".repeat(100_000),
  "code that never ends": "```js\n" + "let a = 1; // x\n".repeat(20_000),
  "a line of code of half a megabyte": "```json\n" + '{"a":1},'.repeat(60_000),
  "50,000 headings": "# a\n".repeat(50_000),
  "emphasis everywhere": "*a* **b** ".repeat(50_000),
  "formulas everywhere": "$x^2$ ".repeat(20_000),
};

for (const [name, text] of Object.entries(giants)) {
  test(`${name}: shown in bounds`, async ({ page }) => {
    await open(page);
    await ask(page, "Try.");
    await page.evaluate((text) => {
      const third = Math.ceil(text.length / 3);
      for (let at = 0; at < text.length; at += third) window.app.chat({ kind: "text", text: text.slice(at, at + third) });
    }, text);
    const shown = by(page, "message-text").last();
    await expect(shown).not.toBeEmpty();
    const elements = await shown.evaluate((element) => element.querySelectorAll("*").length);
    expect(elements).toBeLessThan(150_000);
    expect(await shown.evaluate((element) => {
      let deepest = 0;
      for (const leaf of element.querySelectorAll(":not(:has(*))")) {
        let depth = 0;
        for (let up: Element | null = leaf; up && up !== element; up = up.parentElement) depth += 1;
        deepest = Math.max(deepest, depth);
      }
      return deepest;
    })).toBeLessThan(80);
    // The window still answers.
    await by(page, "composer").fill("still here");
    await expect(by(page, "composer")).toHaveValue("still here");
  });
}
