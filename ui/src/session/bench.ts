// For tests: a session over a written backend, with frames and time in the test's hand.
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { Opened, ShownMessage } from "../backend";
import { fresh } from "./answers.svelte";
import { Session } from "./session.svelte";
import { receipt, Written } from "./written";

let frames: (() => void)[] = [];
/** Paints once. */
export const frame = () => frames.splice(0).forEach((paint) => paint());
/** How many paintings were asked for. */
export const asking = () => frames.length;

export function still() {
  beforeEach(() => {
    frames = [];
    vi.useFakeTimers();
    vi.stubGlobal("requestAnimationFrame", (paint: () => void) => frames.push(paint));
    vi.stubGlobal("cancelAnimationFrame", (id: number) => frames.splice(id - 1, 1));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}

export async function opened(change: Partial<Opened> = {}) {
  const backend = new Written();
  Object.assign(backend.opening, change);
  backend.stored.set(backend.opening.conversation.id, structuredClone(backend.opening.conversation));
  backend.opening.conversations = await backend.listConversations();
  const session = new Session(backend);
  await session.open();
  return { backend, session };
}

/** Sends a question; the answer has begun when this returns. */
export async function asked(text = "Why?") {
  const all = await opened();
  all.session.composer.text = text;
  const sent = all.session.composer.send();
  await vi.waitFor(() => expect(all.backend.calls.at(-1)?.[0]).toBe("send"));
  all.backend.on({ kind: "saved", message: 11, answer: 12 });
  return { ...all, sent };
}

/** A question with its answer. */
export async function answered(text = "Because.") {
  const all = await asked();
  all.backend.on({ kind: "text", text });
  all.backend.on({ kind: "finished", receipt });
  all.backend.end();
  await all.sent;
  return all;
}

export const texts = (session: Session) => session.thread.messages.map((message) => message.text);
export const said = (id: number, speaker: "user" | "assistant", text: string, rest: Partial<ShownMessage> = {}) => fresh({ id, parent: id - 1 || null, speaker, text, atMs: 0, ...rest });
