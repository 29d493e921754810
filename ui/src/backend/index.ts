// The only folder that talks to the app. Everything else gets a `Backend`.
import { Channel } from "@tauri-apps/api/core";
import { commands } from "./bindings";
import type { ChatEvent, Conversation, EngineState, Opening, Problem, Settings } from "./bindings";

export type * from "./bindings";

/** Settings as the app gives them: with every choice. */
export type Choices = Required<Settings>;
export type Opened = Opening & { settings: Choices };

/** What the app can do. Every refusal is thrown as a `Refusal`. */
export interface Backend {
  open(): Promise<Opened>;
  send(conversation: number, text: string, on: (event: ChatEvent) => void): Promise<void>;
  answerAgain(conversation: number, on: (event: ChatEvent) => void): Promise<void>;
  stop(): Promise<void>;
  newConversation(): Promise<Conversation>;
  saveUnsent(conversation: number, text: string): Promise<void>;
  watchEngine(on: (state: EngineState) => void): Promise<void>;
  loadLadder(ladder: string): Promise<void>;
  fetchLadder(ladder: string): Promise<void>;
  cancelFetch(): Promise<void>;
  changeSettings(settings: Choices): Promise<Choices>;
}

/** A problem as an exception. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** The problem behind anything that was thrown. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Refusal) return thrown.problem;
  return { code: "internal", details: { reason: String(thrown) } };
}

type Result<T> = { status: "ok"; data: T } | { status: "error"; error: Problem };

async function unwrap<T>(call: Promise<Result<T>>): Promise<T> {
  const result = await call;
  if (result.status === "error") throw new Refusal(result.error);
  return result.data;
}

// What Rust sends has every field; only what it takes may lack some.
const whole = (opening: Opening) => opening as Opened;

const nothing = () => undefined;

/**
 * A channel's last message may come after the command's own answer: `ended` waits for it, and a stream without an end is
 * an error of the app.
 */
async function stream(call: (channel: Channel<ChatEvent>) => Promise<Result<null>>, on: (event: ChatEvent) => void) {
  let over: () => void = nothing;
  const ended = new Promise<void>((resolve) => (over = resolve));
  const channel = new Channel<ChatEvent>((event) => {
    on(event);
    if (event.kind === "finished" || event.kind === "failed") over();
  });
  await unwrap(call(channel));
  let late: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error("the answer's stream has no end")), 2000);
  });
  await Promise.race([ended, patience]).finally(() => clearTimeout(late));
}

export const tauriBackend: Backend = {
  open: async () => whole(await unwrap(commands.open())),
  send: (conversation, text, on) => stream((channel) => commands.send(conversation, text, channel), on),
  answerAgain: (conversation, on) => stream((channel) => commands.answerAgain(conversation, channel), on),
  stop: () => unwrap(commands.stop()).then(nothing),
  newConversation: () => unwrap(commands.newConversation()),
  saveUnsent: (conversation, text) => unwrap(commands.saveUnsent(conversation, text)).then(nothing),
  watchEngine: (on) => unwrap(commands.watchEngine(new Channel<EngineState>(on))).then(nothing),
  loadLadder: (ladder) => unwrap(commands.loadLadder(ladder)).then(nothing),
  fetchLadder: (ladder) => unwrap(commands.fetchLadder(ladder)).then(nothing),
  cancelFetch: () => unwrap(commands.cancelFetch()).then(nothing),
  changeSettings: (settings) => unwrap(commands.changeSettings(settings)) as Promise<Choices>,
};
