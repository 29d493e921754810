// Every state of every screen, in both languages and both themes: accessible, nothing sticks out, and with a picture to look at
// (`npm run pictures`).
import { expect, type Page } from "@playwright/test";
import { accessible, ask, by, chat, conversation, downloads, engine, inside, narrowed, open, picture, settings, test } from "../window";
import { download } from "../mock/shelf";
import { laddersAndDownloads } from "./ladders";
import { answered, brief, damaged, files, found, itsModel, ladder, large, long, missing, others } from "./samples";
import type { State } from "./states";

const loading = { kind: "loading", ladder: "smollm2", rung: "SmolLM2 135M", fraction: 0.6 } as const;
const presets = [{ name: "短く答える", text: "三文以内で答えてください。" }];
// Long enough to scroll; every message more is one more for axe to look at.
const lengthy = { ...long, messages: long.messages.slice(0, 12) };

const chat_: Record<string, State> = {
  empty: {},
  "with a list": { start: { conversation: answered, others } },
  reading: {
    async go(page) {
      await ask(page, "Why is the sea salty?");
      await chat(page, { kind: "reading", done: 30, total: 60 });
      await expect(by(page, "message-assistant")).toContainText("50%");
    },
  },
  streaming: {
    start: { others },
    async go(page) {
      await ask(page, "Why is the sea salty?\n海はなぜ塩辛いのですか。");
      await chat(page, { kind: "text", text: "Rivers carry salt. 川が塩を運ぶからです。" });
      await expect(by(page, "message-assistant")).toContainText("川");
    },
  },
  "actions of a question": { start: { conversation: answered }, go: (page) => by(page, "message-user").last().hover() },
  editing: {
    start: { conversation: answered },
    async go(page) {
      await by(page, "edit").first().click();
      await expect(by(page, "editor")).toBeFocused();
    },
  },
  receipt: {
    start: { conversation: brief() },
    async go(page) {
      await by(page, "receipt").first().locator("> summary").click();
      await expect(by(page, "receipt").first().getByRole("table")).toBeVisible();
      await by(page, "who-wrote").locator("> summary").click();
      await expect(by(page, "who-wrote").getByRole("listitem").first()).toBeVisible();
    },
  },
  replaying: {
    start: { ...itsModel, conversation: brief() },
    async go(page) {
      await by(page, "receipt").locator("> summary").click();
      await by(page, "replay-start").click();
      await chat(page, { kind: "text", text: "Rivers dissolve minerals" });
      await expect(by(page, "replay").getByRole("progressbar")).toBeVisible();
    },
  },
  replayed: {
    start: { ...itsModel, conversation: brief() },
    async go(page) {
      await by(page, "receipt").locator("> summary").click();
      await by(page, "replay-start").click();
      await chat(page, { kind: "text", text: answered.messages[1]?.text ?? "" });
      await chat(page, { kind: "finished", receipt: { ...ladder, cascade: false, seconds: 15.2 } });
      await page.evaluate(() => window.app.end());
      await expect(by(page, "replay-verdict")).toHaveAttribute("data-same", "true");
    },
  },
  "not to be replayed": {
    start: { conversation: brief() },
    async go(page) {
      await by(page, "receipt").locator("> summary").click();
      await expect(by(page, "replay-start")).toBeDisabled();
    },
  },
  "scrolled up": {
    start: { conversation: lengthy },
    async go(page) {
      await by(page, "transcript").evaluate((view) => (view.scrollTop = 300));
      await expect(by(page, "latest")).toBeVisible();
    },
  },
  "failed answer": {
    async go(page) {
      await ask(page, "Hello");
      await chat(page, { kind: "text", text: "Half an" });
      await chat(page, { kind: "failed", problem: { code: "worker_gave_up", details: {} } });
      await page.evaluate(() => window.app.end());
      await expect(by(page, "problem").getByRole("button")).toBeVisible();
    },
  },
  "file was too long": {
    start: {
      conversation: conversation({
        messages: [
          { id: 7, speaker: "user", text: "What changed since last year?", attachments: [files[1]!] },
          { id: 8, speaker: "assistant", text: "", problem: { code: "prompt_too_long", details: { tokens: "60000", context: "8192" } } },
        ],
      }),
    },
  },
  "read in part": {
    start: {
      conversation: conversation({
        messages: [
          { id: 7, speaker: "user", text: "What changed since last year?", attachments: [{ ...files[1]!, part: "passages" }], edited: "What changed since la" },
          { id: 8, speaker: "assistant", text: "The canteen has moved." },
        ],
      }),
    },
    go: (page) => expect(by(page, "editor")).toBeVisible(),
  },
  "file shown": {
    start: {
      conversation: conversation({ messages: [{ id: 7, speaker: "user", text: "What changed since last year?", attachments: [{ ...files[1]!, part: "passages" }] }] }),
      give: { file_text: "1. The canteen.\n\n[…]\n14. It moves to the third floor in May. 食堂は五月に三階へ移ります。\n\n[…]" },
    },
    async go(page) {
      await by(page, "file-open").click();
      await expect(by(page, "file-text")).not.toBeEmpty();
    },
  },
  unanswered: { start: { conversation: conversation({ messages: [{ id: 7, speaker: "user", text: "Hello?" }] }) } },
  undo: {
    start: { conversation: answered, others },
    async go(page) {
      await by(page, "message-user").last().hover();
      await by(page, "delete-message").nth(2).click();
      await expect(by(page, "toast")).toBeVisible();
    },
  },
  notice: { start: { notices: [{ code: "settings_set_aside", details: { path: "/home/a/settings.toml", kept: "settings.toml.1" } }] } },
  "narrow chat": { start: { conversation: answered, others }, go: (page) => narrowed(page) },
};

const composer: Record<string, State> = {
  "file too long": {
    start: {
      conversation: conversation({ attached: files.map((file, at) => ({ ...file, part: at === 0 ? ("passages" as const) : ("whole" as const) })), unsent: "What changed since last year?" }),
      give: { prompt_size: { tokens: 66_000, context: 8192, least: 66_000 } },
    },
    async go(page) {
      await expect(by(page, "read-passages")).toBeVisible();
    },
  },
  files: { start: { conversation: conversation({ attached: files, unsent: "What changed since last year?" }) } },
  "file refused": {
    async go(page) {
      await page.evaluate(() => (window.app.refuse.attach = { code: "document_scanned", details: { name: "scan.pdf" } }));
      await by(page, "attach-input").setInputFiles({ name: "scan.pdf", mimeType: "application/pdf", buffer: Buffer.from("x") });
      await expect(by(page, "refused")).toBeVisible();
    },
  },
  "file arriving": {
    async go(page) {
      await page.evaluate(() => window.app.hold.push("attach"));
      await by(page, "attach-input").setInputFiles({ name: "report.pdf", mimeType: "application/pdf", buffer: Buffer.from("x") });
      await expect(page.getByText("report.pdf")).toBeVisible();
    },
  },
  presets: {
    start: { conversation: conversation({ system: presets[0]!.text }), settings: { ...settings, presets } },
    async go(page) {
      await by(page, "presets").click();
      await expect(page.getByRole("menu")).toBeVisible();
    },
  },
  queued: {
    start: { engine: loading },
    async go(page) {
      await by(page, "composer").fill("Why is the sea salty?");
      await by(page, "composer").press("Enter");
      await expect(by(page, "queued")).toBeVisible();
    },
  },
  "nearly full": { start: { conversation: conversation({ ...answered, unsent: "And then?" }), give: { prompt_size: { tokens: 7600, context: 8192, least: null } } }, go: (page) => expect(by(page, "room")).not.toBeEmpty() },
  "left out": {
    start: { conversation: conversation({ ...answered, leftOut: 2 }) },
    go: (page) => expect(by(page, "left-out")).toBeVisible(),
  },
  summarising: {
    start: { conversation: conversation({ ...answered, unsent: "And then?" }), give: { prompt_size: { tokens: 7600, context: 8192, least: null } } },
    async go(page) {
      await by(page, "summarise").click();
      await page.evaluate(() => window.app.chat({ kind: "reading", done: 300, total: 1000 }));
      await expect(by(page, "summarising")).toBeVisible();
    },
  },
  summarised: {
    start: { conversation: conversation({ ...answered, leftOut: 2, summary: "You asked why the sea is **salty**: rivers carry salts into it." }) },
    async go(page) {
      await by(page, "summary").locator("summary").click();
      await expect(by(page, "summary")).toContainText("rivers");
    },
  },
  full: { start: { conversation: conversation({ ...answered, unsent: "And then?" }), give: { prompt_size: { tokens: 12600, context: 8192, least: 300 } } }, go: (page) => expect(by(page, "room")).not.toBeEmpty() },
  drop: {
    async go(page) {
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "x.txt"));
        window.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data }));
      });
      await expect(by(page, "drop")).toBeVisible();
    },
  },
};

const list: Record<string, State> = {
  found: {
    start: { conversation: lengthy, others, give: { search: found } },
    async go(page) {
      await by(page, "search").fill("salt");
      await expect(by(page, "found")).toHaveCount(3);
    },
  },
  "nothing found": {
    start: { others },
    async go(page) {
      await by(page, "search").fill("xyzzy");
      await expect(by(page, "search-state")).toContainText("xyzzy");
    },
  },
  "search failed": {
    start: { others },
    async go(page) {
      await page.evaluate(() => (window.app.refuse.search = { code: "database_failed", details: { reason: "disk I/O error" } }));
      await by(page, "search").fill("xyzzy");
      await expect(by(page, "search-state")).toContainText("disk I/O error");
    },
  },
  "menu of a conversation": {
    start: { conversation: answered, others },
    async go(page) {
      await by(page, "conversation").nth(1).hover();
      await by(page, "conversation-menu").first().click();
      await expect(page.getByRole("menu")).toBeVisible();
    },
  },
  renaming: {
    start: { conversation: answered, others },
    async go(page) {
      await by(page, "conversation").nth(1).dblclick();
      await expect(by(page, "rename")).toBeFocused();
    },
  },
  "list hidden": { start: { conversation: answered, others, settings: { ...settings, sidebar: false } } },
  "narrow list": {
    start: { conversation: answered, others },
    async go(page) {
      await narrowed(page);
      await by(page, "sidebar-toggle").click();
      await expect(by(page, "sidebar")).toBeVisible();
    },
  },
};

const engines: Record<string, State> = {
  "first run": { start: { engine: { kind: "empty" }, ladders: [missing, large] } },
  "first run fetching": {
    start: { engine: { kind: "empty" }, ladders: [missing, large] },
    async go(page) {
      await downloads(page, download("smollm2", "SmolLM2", "running", 49e6, 98e6, 40));
      await expect(by(page, "engine-state").getByRole("progressbar")).toBeVisible();
    },
  },
  "first run with many": {
    start: {
      engine: { kind: "empty" },
      ladders: [missing, { ...large, suggested: true, pace: 16, offered: true }, ...["Gemma 3 27B", "Llama 3.2 3B", "Phi 4 mini"].map((name) => ({ ...large, id: name, name, bytes: 9e9, missingBytes: 9e9, fits: "not" as const }))],
    },
    async go(page) {
      await by(page, "all-models").click();
      await expect(by(page, "ladder-card")).toHaveCount(5);
    },
  },
  "first run narrow": { start: { engine: { kind: "empty" }, ladders: [missing, large] }, go: (page) => narrowed(page) },
  download: { start: { conversation: answered, engine: { kind: "empty" }, ladders: [missing] } },
  fetching: {
    start: { conversation: answered, engine: { kind: "empty" }, ladders: [missing] },
    async go(page) {
      await downloads(page, download("smollm2", "SmolLM2", "running", 49e6, 98e6, 40));
      await expect(by(page, "engine-state").getByRole("progressbar")).toBeVisible();
    },
  },
  loading: { start: { engine: loading } },
  "failed engine": { start: { engine: { kind: "failed", problem: damaged }, ladders: [missing] } },
};

const dialogs: Record<string, State> = {
  settings: {
    start: { settings: { ...settings, presets } },
    async go(page) {
      await by(page, "settings").click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  "settings laid down": {
    start: { settings: { ...settings, theme: "system" }, locked: ["language", "zoom", "ladder", "speedUp"] },
    async go(page) {
      await by(page, "settings").click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  "settings below": {
    start: { settings: { ...settings, presets } },
    async go(page) {
      await by(page, "presets").click();
      await page.getByRole("menuitem").last().click();
      await by(page, "preset-new").click();
      await expect(by(page, "preset-name")).toBeFocused();
    },
  },
  "settings searched": {
    async go(page) {
      await by(page, "settings").click();
      await by(page, "settings-search").fill("markdown");
      await expect(by(page, "export-markdown")).toBeVisible();
      await expect(by(page, "language-select")).toHaveCount(0);
    },
  },
  "settings for a card": {
    start: {
      ...itsModel,
      engine: {
        ...itsModel.engine,
        loaded: { ...itsModel.engine.loaded, placed: [{ rung: "Qwen 1.5B", layers: 12, of: 29, devices: ["NVIDIA GeForce RTX 4060"], remote: false }] },
      },
      settings: { ...itsModel.settings, exact: false },
    },
    async go(page) {
      await by(page, "settings").click();
      await by(page, "gpu-select").scrollIntoViewIfNeeded();
      await expect(by(page, "gpu-select")).toBeVisible();
    },
  },
  "settings without a hit": {
    async go(page) {
      await by(page, "settings").click();
      await by(page, "settings-search").fill("xyzzy");
      await expect(by(page, "settings-none")).toBeVisible();
    },
  },
  "settings narrow": {
    async go(page) {
      await narrowed(page);
      await by(page, "settings").click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  palette: {
    start: { conversation: answered, others },
    async go(page) {
      await page.keyboard.press("Control+Shift+P");
      await expect(by(page, "palette-input")).toBeFocused();
    },
  },
  "palette searched": {
    start: { conversation: answered, others },
    async go(page) {
      await page.keyboard.press("Control+p");
      await by(page, "palette-input").fill("VLOOK");
      await expect(page.getByRole("option")).toHaveCount(1);
    },
  },
  updates: {
    start: { give: { updates_about: { version: "0.1.0", from: { kind: "address", address: "https://updates.example.com/latest.json" } } } },
    async go(page) {
      await page.evaluate(() => window.app.update({ kind: "found", version: "0.2.0", notes: "Answers begin sooner.\n回答がより早く始まります。" }));
      await by(page, "update-note").click();
      await expect(by(page, "update-notes")).toBeVisible();
      await by(page, "update-state").scrollIntoViewIfNeeded();
    },
  },
  "updates on the way": {
    start: { give: { updates_about: { version: "0.1.0", from: { kind: "folder", path: "/srv/taki-updates" } } } },
    async go(page) {
      await page.evaluate(() => window.app.update({ kind: "fetching", version: "0.2.0", progress: { doneBytes: 12e6, totalBytes: 34e6, secondsLeft: 40 } }));
      await by(page, "settings").click();
      await by(page, "update-state").scrollIntoViewIfNeeded();
    },
  },
  shortcuts: {
    async go(page) {
      await page.keyboard.press("F1");
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
};

type Theme = "light" | "dark";
const pages = { light: "rgb(251, 253, 254)", dark: "rgb(18, 25, 29)" };

for (const language of ["en", "ja"] as const) {
  for (const [name, { start = {}, go }] of Object.entries({ ...chat_, ...composer, ...list, ...engines, ...dialogs, ...laddersAndDownloads })) {
    test(`${name}, ${language}`, async ({ page }) => {
      await page.emulateMedia({ reducedMotion: "reduce" });
      await open(page, { ...start, settings: { ...settings, ...start.settings, language } });
      // What watches the engine is told the state at once.
      if (start.engine) await engine(page, start.engine);
      await go?.(page);
      await expect(page.locator("html")).toHaveAttribute("lang", language);
      await inside(page);
      // Each language in one of the themes: colours know nothing of words. Pictures are taken of both.
      const own: Theme = language === "en" ? "light" : "dark";
      for (const theme of process.env.PICTURES ? (["light", "dark"] as Theme[]) : [own]) {
        await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), theme);
        await expect(page.locator("body")).toHaveCSS("background-color", pages[theme]);
        if (process.env.PICTURES) await picture(page, `${name}-${language}-${theme}`);
      }
      await accessible(page);
      // The colours of the other one.
      await page.evaluate((theme) => (document.documentElement.dataset.theme = theme), own === "light" ? "dark" : "light");
      await accessible(page, ["color-contrast"]);
    });
  }
}

test("a window that cannot open is accessible and says why", async ({ page }) => {
  await page.addInitScript(() => {
    window.setUp = (app) => (app.refuse.open = { code: "folder_unwritable", details: { path: "/data", reason: "no permission" } });
  });
  await page.goto("/");
  await expect(by(page, "problem-sentence")).toContainText("/data");
  await picture(page, "fatal");
  await accessible(page);
});
