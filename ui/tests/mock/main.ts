// The real window over a made-up app: Tauri's own mock of the IPC, driven by the tests through `window.app`.
import { mockIPC } from "@tauri-apps/api/mocks";
import type { Beside, ChatEvent, Conversation, EngineState, Opening, Problem } from "../../src/backend";
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
  beside(state: Beside | null): void;
  work(share: number): void;
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
let beside: Line | undefined;
let work: Line | undefined;
let finish: (() => void) | undefined;
let waiting: (() => void)[] = [];
let attached = 0;

const app: Made = {
  calls: [],
  refuse: {},
  give: {},
  hold: [],
  others: [],
  opening: {
    conversation: blank(1),
    conversations: [],
    ladders: [
      { id: "smollm2", name: "SmolLM2", rungs: ["SmolLM2 135M", "Max-Gram"], licences: ["Apache-2.0"], bytes: 98_362_432, missingBytes: 0, memoryBytes: 332_668_240, models: ["smollm2-135m"], own: false, fetchable: true },
      { id: "qwen-coder", name: "Qwen2.5 Coder", rungs: ["1.5B", "0.5B", "Max-Gram"], licences: ["Apache-2.0"], bytes: 1_608_720_832, missingBytes: 1_608_720_832, memoryBytes: 2_220_616_240, models: ["big", "small"], own: false, fetchable: true },
    ],
    ladder: "smollm2",
    engine: { kind: "ready", loaded: { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] } },
    settings: { ladder: "smollm2", speedUp: true, exact: false, earlierChats: true, notify: true, language: "en", theme: "light", presets: [], zoom: 1, sidebar: true },
    processors: 4,
    memoryBytes: 16e9,
    limits: { attachmentBytes: 20e6, attachments: 10 },
    notices: [],
  },
  go: () => waiting.splice(0).forEach((answer) => answer()),
  chat: (event) => chat?.say(event),
  engine: (state) => engine?.say(state),
  beside: (state) => beside?.say(state),
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

function answer(name: string, args: Record<string, unknown>): unknown {
  const id = args.conversation as number;
  const message = args.message as number;
  switch (name) {
    case "open":
      return app.opening;
    case "ladders":
      return app.opening.ladders;
    case "watch_engine":
      engine = lineOf(args.onState);
      return null;
    case "watch_beside":
      beside = lineOf(args.onChange);
      return null;
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
      return { id: ++attached, name: args.name, bytes, characters: bytes, tokens: Math.ceil(bytes / 4), cut: false };
    }
    case "models":
      return [
        { id: "smollm2-135m", name: "SmolLM2 135M", bytes: 98_362_432, installed: true, mixes: ["Q4_0", "Q2_K"] },
        { id: "big", name: "Qwen2.5 Coder 1.5B", bytes: 1_117_320_768, installed: true, mixes: ["Q4_0", "Q2_K"] },
        { id: "small", name: "Qwen2.5 Coder 0.5B", bytes: 491_400_064, installed: false, mixes: [] },
      ];
    case "draft_choices":
      return [
        { model: "smollm2-135m", problem: { code: "tokenizers_differ", details: { rung: "SmolLM2 135M" } }, known: true, fetchable: true },
        { model: "small", problem: null, known: false, fetchable: true },
      ].filter(({ model }) => model !== args.target);
    case "ladder_memory":
      return { weights: 1.1e9 + 0.5e9 * ((args.models as string[]).length - 1), cache: 0.2e9, rest: 0.2e9 };
    case "make_ladder":
      return app.opening.ladders.push({ id: "mine", name: args.name as string, rungs: ["Qwen2.5 Coder 1.5B", "Max-Gram"], licences: [], bytes: 1_117_320_768, missingBytes: 0, memoryBytes: 1.5e9, models: args.models as string[], own: true, fetchable: true }), "mine";
    case "remove_ladder":
    case "restore_ladder":
      return null;
    case "shrink_model":
    case "add_file":
      work = lineOf(args.onProgress);
      return new Promise((resolve) => (finish = () => resolve(app.give.made ?? null)));
    case "earlier_chats":
      return { messages: 12, bytes: 3456 };
    case "erase_earlier_chats":
      return { messages: 0, bytes: 0 };
    case "change_settings":
      return args.settings;
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
