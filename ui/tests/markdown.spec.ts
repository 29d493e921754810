import { expect, type Page } from "@playwright/test";
import type { Opening } from "../src/backend";
import { english, japanese } from "./answers";
import { accessible, ask, by, chat, open, picture, receipt, test } from "./window";

const conversation = (...answers: string[]): Opening["conversation"] => ({
  id: 1,
  unsent: "",
  messages: answers.flatMap((text, index) => [
    { id: 2 * index + 1, speaker: "user" as const, text: "Why is the sea **salty**?", receipt: null, problem: null, atMs: 0 },
    { id: 2 * index + 2, speaker: "assistant" as const, text, receipt, problem: null, atMs: 0 },
  ]),
});

const answer = (page: Page) => by(page, "message-assistant").last().getByTestId("message-text");

for (const [language, theme, text] of [["en", "light", english], ["en", "dark", english], ["ja", "light", japanese], ["ja", "dark", japanese]] as const) {
  for (const [name, width] of [["wide", 1000], ["narrow", 420]] as const) {
    test(`a set answer, ${language}, ${theme}, ${name}: accessible and inside of the window`, async ({ page }) => {
      await page.setViewportSize({ width, height: 2400 });
      await open(page, { conversation: conversation(text), settings: { ladder: "smollm2", speedUp: true, exact: false, language, theme } });
      await expect(answer(page).locator(".katex-display").first()).toBeVisible();
      await expect(answer(page).locator("pre .keyword").first()).toBeVisible();
      await page.evaluate(() => document.fonts.ready);
      await picture(page, `answer-${language}-${theme}-${name}`);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      expect(await page.evaluate(() => { const view = document.querySelector("main section")!; return view.scrollWidth - view.clientWidth; })).toBeLessThanOrEqual(0);
      await accessible(page);
    });
  }
}
