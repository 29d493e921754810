// The real window over a made-up app: Tauri's own mock of the IPC, driven by the tests through `window.app`.
import { mockIPC } from "@tauri-apps/api/mocks";
import type { ChatEvent, Conversation, Download, DownloadState, EngineState, LadderCard, LadderFile, Opening, Problem, Settings, UpdateState } from "../../src/backend";
import { coder, download, ladderCard, models, smollm2 } from "./shelf";
import { blank, Store } from "./store";

interface Made {
  calls: { name: string; args: Record<string, unknown> }[];
  opening: Opening;
  /** Conversations beside the opened one, and when they last changed. */
  others: { conversation: Conversation; atMs: number }[];
  refuse: Record<string, Problem>;
  /** What commands answer, where it is not the usual. */
  give: Record<string, unknown>;
  /** Commands that do not answer until their name is taken out and `go` is called. */
  hold: string[];
  go(): void;
  chat(event: ChatEvent): void;
  engine(state: EngineState): void;
  /** The queue of downloads moves when a test says so. */
  downloads(queue: Download[]): void;
  /** What is known of a newer version. */
  update(state: UpdateState): void;
  /** The system wants so many files opened. */
  handed(waiting: number): void;
  /** Files are held over the window, or so many were let go there. */
  dragged(now: { over: boolean; waiting: number }): void;
  /** Tells how far something is: a share of it, or what it tells of its steps. */
  work(share: unknown): void;
  end(): void;
}

declare global {
  interface Window {
    app: Made;
    setUp?: (app: Made) => void;
    __TAURI_INTERNALS__: { runCallback?: (id: number, message: unknown) => void };
  }
}

/** Sends messages in order, as the app's channels do. */
class Line {
  #next = 0;
  constructor(readonly id: number) {}
  say(message: unknown) {
    window.__TAURI_INTERNALS__.runCallback?.(this.id, { index: this.#next++, message });
  }
}

const lineOf = (value: unknown) => new Line(Number(/\d+/.exec(String((value as { toJSON?: () => string }).toJSON?.() ?? value))?.[0]));

let chat: Line | undefined;
let engine: Line | undefined;
let downloads: Line | undefined;
let handed: Line | undefined;
let dragged: Line | undefined;
let updates: Line | undefined;
let queue: Download[] = [];
let token = false;
let work: Line | undefined;
let finish: (() => void) | undefined;
let waiting: (() => void)[] = [];
let attached = 0;
let removed: LadderCard[] = [];

const app: Made = {
  calls: [],
  refuse: {},
  give: {},
  hold: [],
  others: [],
  opening: {
    conversation: blank(1),
    conversations: [],
    ladders: [smollm2, coder],
    ladder: "smollm2",
    engine: { kind: "ready", loaded: { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] } },
    settings: { ladder: "smollm2", speedUp: true, exact: false, earlierChats: true, notify: true, language: "en", theme: "light", presets: [], source: "", mirror: "", proxy: "", updates: "", updatesDaily: false, zoom: 1, sidebar: true },
    processors: 4,
    memoryBytes: 16e9,
    locked: [],
    limits: { attachmentBytes: 20e6, attachments: 10 },
    notices: [],
  },
  go: () => waiting.splice(0).forEach((answer) => answer()),
  chat: (event) => chat?.say(event),
  engine: (state) => engine?.say(state),
  downloads: (now) => downloads?.say((queue = now)),
  handed: (waiting) => handed?.say(waiting),
  dragged: (now) => dragged?.say(now),
  update: (state) => updates?.say(state),
  work: (share) => work?.say(share),
  end: () => finish?.(),
};
window.app = app;
// The app freezes it too: a library that writes on it would fail there and not here.
Object.freeze(Object.prototype);
window.setUp?.(app);

const store = new Store();
store.put(app.opening.conversation);
for (const { conversation, atMs } of app.others) store.put(conversation, atMs);
app.opening.conversations = store.cards();

/** Another state of a ladder in the queue; false if it is not there. */
function turned(ladder: string, kind: Exclude<DownloadState["kind"], "failed" | "interrupted">): boolean {
  if (!queue.some((other) => other.ladder === ladder)) return false;
  app.downloads(queue.map((other) => (other.ladder === ladder ? { ...other, state: { kind } } : other)));
  return true;
}

function answer(name: string, args: Record<string, unknown>): unknown {
  const id = args.conversation as number;
  const message = args.message as number;
  switch (name) {
    case "open":
      return app.opening;
    case "ladders":
      return app.opening.ladders;
    case "devices":
      return [];
    case "watch_engine":
      engine = lineOf(args.onState);
      return null;
    case "watch_dragged":
      dragged = lineOf(args.onChange);
      return null;
    case "watch_opened":
      handed = lineOf(args.onChange);
      return null;
    case "watch_updates":
      updates = lineOf(args.onChange);
      updates.say({ kind: "unknown" } satisfies UpdateState);
      return null;
    case "updates_about":
      return { version: "0.1.0", from: { kind: "nowhere" } };
    case "watch_downloads":
      downloads = lineOf(args.onChange);
      downloads.say(queue);
      return null;
    case "download_ladder":
      if (turned(args.ladder as string, "waiting")) return null;
      return app.downloads([...queue, download(args.ladder as string, app.opening.ladders.find(({ id }) => id === args.ladder)?.name ?? "?", "waiting")]), null;
    case "pause_download":
      return turned(args.ladder as string, "paused"), null;
    case "resume_download":
      return turned(args.ladder as string, "running"), null;
    case "drop_download":
      return app.downloads(queue.filter(({ ladder }) => ladder !== args.ladder)), null;
    case "send":
    case "answer_again":
    case "continue_answer":
    case "replay":
      chat = lineOf(args.onEvent);
      return new Promise((resolve) => (finish = () => resolve(null)));
    case "summarise":
      chat = lineOf(args.onEvent);
      return new Promise((resolve) => (finish = () => resolve(app.give.summarise)));
    case "list_conversations":
      return store.cards();
    case "open_conversation":
      return store.get(id);
    case "new_conversation":
      return store.create();
    case "rename_conversation":
      return store.change(id, { title: args.title as string }), null;
    case "pin_conversation":
      return store.change(id, { pinned: args.pinned as boolean }), null;
    case "delete_conversation":
      return store.delete(id), null;
    case "restore_conversation":
      return store.restore(id);
    case "save_unsent":
      return store.change(id, { unsent: args.text as string }), null;
    case "save_place":
      return store.change(id, { place: args.place as Conversation["place"] }), null;
    case "delete_message":
      return store.without(message);
    case "restore_message":
    case "choose_version":
      return store.holding(message);
    case "search":
      return [];
    case "attach": {
      const bytes = atob(args.base64 as string).length;
      return { id: ++attached, name: args.name, bytes, characters: bytes, tokens: Math.ceil(bytes / 4), cut: false, part: "whole" };
    }
    case "models":
      return models;
    case "draft_choices":
      return [
        { model: "smollm2-135m", problem: { code: "tokenizers_differ", details: { rung: "SmolLM2 135M" } }, byText: true, nearly: false, reads: null, known: true },
        { model: "small", problem: null, byText: false, nearly: false, reads: null, known: false },
      ].filter(({ model }) => model !== args.target);
    case "ladder_memory":
      return { weights: 1.1e9 + 0.5e9 * ((args.models as string[]).length - 1), cache: 0.2e9, rest: 0.2e9, free: null, leftOut: [], fits: true, devices: [] };
    case "make_ladder":
      return app.opening.ladders.push(ladderCard({ id: "mine", name: args.name as string, rungs: ["Qwen2.5 Coder 1.5B", "Max-Gram"], licences: [], bytes: 1_117_320_768, memoryBytes: 1.5e9, models: args.models as string[], own: true, byText: args.byText as boolean })), "mine";
    case "copy_ladder":
      app.opening.ladders = app.opening.ladders.flatMap((card) => (card.id === args.ladder ? [card, { ...card, id: "copy", name: args.name as string, own: true, changeable: true }] : [card]));
      return "copy";
    case "change_ladder":
      app.opening.ladders = app.opening.ladders.map((card) => (card.id === args.ladder ? { ...card, name: args.name as string, models: args.models as string[], byText: args.byText as boolean } : card));
      return null;
    case "ladder_files":
    case "ladder_versions":
      return [];
    case "remove_ladder":
      removed = app.opening.ladders;
      app.opening.ladders = removed.filter((card) => card.id !== args.ladder);
      return { deleted: (app.give.ladder_files as LadderFile[] | undefined)?.filter(({ hash }) => (args.files as string[]).includes(hash)).map(({ hash }) => hash) ?? [], problems: [] };
    case "removed_ladders": {
      const gone = removed.filter(({ id, own }) => own && !app.opening.ladders.some((card) => card.id === id));
      return gone.map(({ id, name, rungs }) => ({ ladder: id, name, rungs, removedMs: 1_700_000_000_000 }));
    }
    case "restore_ladder":
      app.opening.ladders = removed;
      return null;
    case "check_ladder":
    case "hand_over":
    case "shrink_model":
    case "add_file":
      work = lineOf(args.onProgress);
      return new Promise((resolve) => (finish = () => resolve(app.give.made ?? null)));
    case "add_opened":
      work = lineOf(args.onProgress);
      return new Promise((resolve) => (finish = () => resolve(app.give.made ?? { last: null, problems: [] })));
    case "add_address": {
      const found = app.give.found as LadderCard;
      app.opening.ladders = [...app.opening.ladders, found];
      return { ladder: found.id, name: found.name };
    }
    case "take_dragged":
      return app.give.dragged ?? [];
    case "dragged_file":
      return btoa("let go");
    case "drop_begin":
      return 7;
    case "drop_end":
      return { ladder: "dropped", name: "Dropped" };
    case "has_token":
      return token;
    case "set_token":
      return (token = true), null;
    case "source_missing":
      return false;
    case "remove_token":
      return (token = false), null;
    case "earlier_chats":
      return { messages: 12, bytes: 3456 };
    case "erase_earlier_chats":
      return { messages: 0, bytes: 0 };
    case "change_settings":
      return { ...(args.settings as Settings), ladder: (args.settings as Settings).ladder || app.opening.settings.ladder };
    default:
      return null;
  }
}

mockIPC(async (name, payload) => {
  const args = (payload ?? {}) as Record<string, unknown>;
  app.calls.push({ name, args: { ...args } });
  if (app.hold.includes(name)) await new Promise<void>((resolve) => waiting.push(resolve));
  const refusal = app.refuse[name];
  if (refusal) throw refusal;
  return name in app.give ? app.give[name] : answer(name, args);
});

await import("../../src/main");
