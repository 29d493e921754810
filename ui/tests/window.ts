// The mocked window as the tests drive it.
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";
import type { ChatEvent, Choices, Conversation, Download, EngineState, Opening, Receipt, Settings, ShownMessage } from "../src/backend";

/** Every test also fails on what the content security policy or the window itself complains about. */
export const test = base.extend<{ complaints: string[] }>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        // Browsers ask for an icon that an app's window has no use for.
        if (message.type() === "error" && !message.location().url.endsWith("/favicon.ico")) complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export const receipt: Receipt = {
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
  continued: false,
  written: [],
};

export const by = (page: Page, id: string) => page.getByTestId(id);
export const chat = (page: Page, event: ChatEvent) => page.evaluate((event) => window.app.chat(event), event);
export const engine = (page: Page, state: EngineState) => page.evaluate((state) => window.app.engine(state), state);
export const calls = (page: Page, name: string) => page.evaluate((name) => window.app.calls.filter((call) => call.name === name), name);

export const settings: Choices = { ladder: "smollm2", speedUp: true, policy: "adaptive", exact: false, threads: null, context: null, cache: "f16", gpuLayers: null, workers: [], earlierChats: true, notify: true, background: false, language: "en", theme: "light", presets: [], source: "", mirror: "", proxy: "", updates: "", updatesDaily: false, zoom: 1, sidebar: true };

/** Has the queue of downloads be this. */
export const downloads = (page: Page, ...queue: Download[]) => page.evaluate((queue) => window.app.downloads(queue), queue);

type Said = Partial<ShownMessage> & Pick<ShownMessage, "id" | "speaker" | "text">;

/** A conversation of which only what matters is told. Each message stands below the one before. */
export function conversation({ messages = [], ...rest }: Partial<Omit<Conversation, "messages">> & { messages?: Said[] }): Conversation {
  return {
    id: 1,
    title: "",
    pinned: false,
    unsent: "",
    system: "",
    leftOut: 0,
    summary: "",
    attached: [],
    place: null,
    ...rest,
    messages: messages.map((message, at) => ({ parent: messages[at - 1]?.id ?? null, versions: [message.id], attachments: [], receipt: null, problem: null, edited: null, atMs: 0, ...message })),
  };
}

export interface Start extends Partial<Omit<Opening, "settings">> {
  settings?: Settings;
  others?: { conversation: Conversation; atMs: number }[];
  give?: Record<string, unknown>;
}

export async function open(page: Page, { others = [], give = {}, ...change }: Start = {}) {
  const opening = { ...change, settings: { ...settings, ...change.settings } };
  await page.addInitScript(
    ({ opening, others, give }) => {
      window.setUp = (app) => {
        Object.assign(app.opening, opening);
        Object.assign(app, { others, give });
      };
    },
    { opening, others, give },
  );
  await page.goto("/");
  await expect(page.getByTestId("composer")).toBeVisible();
}

export async function ask(page: Page, text: string) {
  await by(page, "composer").fill(text);
  await by(page, "composer").press("Enter");
  await chat(page, { kind: "saved", message: 11, answer: 12 });
}

/** Makes the window narrow, and waits until it has noticed. */
export async function narrowed(page: Page) {
  await page.setViewportSize({ width: 420, height: 620 });
  await expect(page.locator(".window.narrow")).toBeAttached();
}

/** Nothing may stick out of the window at the side, once what was changed is laid out. */
export const inside = (page: Page) =>
  expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth), "sticks out by").toBeLessThanOrEqual(0);

/** Keeps a picture where `npm run pictures` wants them, or beside the results of the test. */
export function picture(page: Page, name: string) {
  const file = `${name.replaceAll(" ", "-")}.png`;
  return page.screenshot({ path: process.env.PICTURES ? `${process.env.PICTURES}/${file}` : test.info().outputPath(file) });
}

export async function accessible(page: Page, rules?: string[]) {
  // Legacy: in the page itself. The other way opens a further page each time, for frames that the window has none of.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (rules ? axe.withRules(rules) : axe).analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}

