// The real window over a made-up app: Tauri's own mock of the IPC, driven by the tests through `window.app`.
import { mockIPC } from "@tauri-apps/api/mocks";
import type { ChatEvent, EngineState, Opening, Problem } from "../../src/backend";

interface Made {
  calls: { name: string; args: Record<string, unknown> }[];
  opening: Opening;
  refuse: Record<string, Problem>;
  chat(event: ChatEvent): void;
  engine(state: EngineState): void;
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
let finish: (() => void) | undefined;

const app: Made = {
  calls: [],
  refuse: {},
  opening: {
    conversation: { id: 1, messages: [], unsent: "" },
    ladders: [
      { id: "smollm2", name: "SmolLM2", rungs: ["SmolLM2 135M", "Max-Gram"], licences: ["Apache-2.0"], bytes: 98_362_432, missingBytes: 0 },
      { id: "qwen-coder", name: "Qwen2.5 Coder", rungs: ["1.5B", "0.5B", "Max-Gram"], licences: ["Apache-2.0"], bytes: 1_608_720_832, missingBytes: 1_608_720_832 },
    ],
    ladder: "smollm2",
    engine: { kind: "ready", loaded: { ladder: "smollm2", rungs: ["SmolLM2 135M", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [], k: [], seconds: 0.5, passTimes: [] } },
    settings: { ladder: "smollm2", speedUp: true, exact: false, language: "en", theme: "light" },
    notices: [],
  },
  chat: (event) => chat?.say(event),
  engine: (state) => engine?.say(state),
  end: () => finish?.(),
};
window.app = app;
window.setUp?.(app);

mockIPC((name, payload) => {
  const args = (payload ?? {}) as Record<string, unknown>;
  app.calls.push({ name, args: { ...args } });
  const refusal = app.refuse[name];
  if (refusal) throw refusal;
  switch (name) {
    case "open":
      return app.opening;
    case "watch_engine":
      engine = lineOf(args.onState);
      return null;
    case "send":
    case "answer_again":
      chat = lineOf(args.onEvent);
      return new Promise((resolve) => (finish = () => resolve(null)));
    case "new_conversation":
      return { id: 2, messages: [], unsent: "" };
    case "change_settings":
      return args.settings;
    default:
      return null;
  }
});

await import("../../src/main");
