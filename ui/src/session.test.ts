import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusal, type Backend, type ChatEvent, type EngineState, type Opened, type Receipt } from "./backend";
import { Session } from "./session.svelte";

const receipt = { finish: "end", cascade: true, speed_up: 1.8 } as Receipt;
const ready: EngineState = { kind: "ready", loaded: { ladder: "a", rungs: ["A"], leftOut: [], context: 10, exactWidths: [], k: [], seconds: 1, passTimes: [] } };

/** A backend whose answers the test writes itself. */
class Written implements Backend {
  on: (event: ChatEvent) => void = () => undefined;
  engine: (state: EngineState) => void = () => undefined;
  end: () => void = () => undefined;
  refuse: (thrown: unknown) => void = () => undefined;
  calls: [name: string, ...args: unknown[]][] = [];
  opening: Opened = {
    conversation: { id: 1, messages: [], unsent: "" },
    ladders: [],
    ladder: "a",
    engine: ready,
    settings: { ladder: "a", speedUp: true, exact: false, language: "en", theme: "light" },
    notices: [],
  };

  open = async () => this.opening;
  send = (conversation: number, text: string, on: (event: ChatEvent) => void) => this.#stream(["send", conversation, text], on);
  answerAgain = (conversation: number, on: (event: ChatEvent) => void) => this.#stream(["answerAgain", conversation], on);
  stop = () => this.#done("stop");
  newConversation = async () => ({ id: 2, messages: [], unsent: "" });
  saveUnsent = (conversation: number, text: string) => this.#done("saveUnsent", conversation, text);
  watchEngine = async (on: (state: EngineState) => void) => void (this.engine = on);
  loadLadder = (ladder: string) => this.#done("loadLadder", ladder);
  fetchLadder = (ladder: string) => this.#done("fetchLadder", ladder);
  cancelFetch = () => this.#done("cancelFetch");
  changeSettings = async (settings: Opened["settings"]) => settings;

  async #done(...call: [string, ...unknown[]]) {
    this.calls.push(call);
  }

  #stream(call: [string, ...unknown[]], on: (event: ChatEvent) => void) {
    this.calls.push(call);
    this.on = on;
    return new Promise<void>((resolve, reject) => {
      this.end = resolve;
      this.refuse = reject;
    });
  }
}

let frames: (() => void)[] = [];
const frame = () => frames.splice(0).forEach((paint) => paint());

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

async function opened(change: Partial<Opened> = {}) {
  const backend = new Written();
  Object.assign(backend.opening, change);
  const session = new Session(backend);
  await session.open();
  return { backend, session };
}

/** Sends a question; the answer has begun when this returns. */
async function asked(text = "Why?") {
  const all = await opened();
  all.session.unsent = text;
  const sent = all.session.send();
  await vi.waitFor(() => expect(all.backend.calls.at(-1)?.[0]).toBe("send"));
  all.backend.on({ kind: "saved", message: 11, answer: 12 });
  return { ...all, sent };
}

const texts = (session: Session) => session.messages.map((message) => message.text);

test("however much text comes, it is painted once per frame", async () => {
  const { backend, session, sent } = await asked();
  for (const text of ["Be", "cau", "se"]) backend.on({ kind: "text", text });
  expect(texts(session)).toEqual(["Why?", ""]);
  expect(frames).toHaveLength(1);
  frame();
  expect(texts(session)).toEqual(["Why?", "Because"]);
  backend.on({ kind: "text", text: " of salt." });
  backend.on({ kind: "finished", receipt });
  expect(texts(session), "the end does not wait for a frame").toEqual(["Why?", "Because of salt."]);
  backend.end();
  await sent;
  expect(frames, "nothing is painted twice").toHaveLength(0);
  expect(session.answering).toBe(false);
  expect(session.lastReceipt).toEqual(receipt);
});

test("screen readers hear the beginning and the end, not the words between", async () => {
  const { backend, session } = await asked();
  expect(session.announcement).toBe("thinking");
  backend.on({ kind: "text", text: "x" });
  frame();
  expect(session.announcement).toBe("thinking");
  backend.on({ kind: "finished", receipt });
  expect(session.announcement).toBe("answered");
});

test("text typed after Enter stays in the composer", async () => {
  const { backend, session } = await opened();
  session.unsent = "Why? ";
  void session.send();
  await vi.waitFor(() => expect(backend.calls.at(-1)).toEqual(["send", 1, "Why?"]));
  session.unsent = "Why? And how?";
  backend.on({ kind: "saved", message: 11, answer: 12 });
  expect(session.unsent).toBe("And how?");
});

test("a message is kept unsent before it is sent, never after", async () => {
  const { backend, session } = await opened();
  let kept: () => void = () => undefined;
  backend.saveUnsent = () => new Promise<void>((resolve) => (kept = resolve));
  session.unsent = "Why?";
  session.typed();
  await vi.advanceTimersByTimeAsync(1000);
  void session.send();
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.calls).toEqual([]);
  kept();
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.calls).toEqual([["send", 1, "Why?"]]);
});

test("unsent text is kept once the keys rest", async () => {
  const { backend, session } = await opened();
  for (const text of ["W", "Wh", "Why"]) {
    session.unsent = text;
    session.typed();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(backend.calls).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.calls).toEqual([["saveUnsent", 1, "Why"]]);
});

test("without a model nothing is sent, and that is said", async () => {
  const { backend, session } = await opened({ engine: { kind: "empty" } });
  session.unsent = "Why?";
  await session.send();
  expect(backend.calls).toEqual([]);
  expect(session.problem?.code).toBe("nothing_loaded");
  expect(session.unsent).toBe("Why?");
  backend.engine(ready);
  expect(session.problem, "it is there now").toBeUndefined();
});

test("a second question waits for the first answer", async () => {
  const { backend, session } = await asked();
  session.unsent = "And how?";
  await session.send();
  expect(backend.calls.filter(([name]) => name === "send")).toHaveLength(1);
  expect(session.unsent).toBe("And how?");
});

test("a refused second try keeps the first answer", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Because." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  const again = session.answerAgain();
  backend.refuse(new Refusal({ code: "busy", details: {} }));
  await again;
  expect(texts(session)).toEqual(["Why?", "Because."]);
  expect(session.problem?.code).toBe("busy");

  const third = session.answerAgain();
  backend.on({ kind: "saved", message: 11, answer: 13 });
  expect(texts(session), "a new answer takes the place of the old one").toEqual(["Why?", ""]);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await third;
});

test("an answer that breaks off keeps its text and its reason", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Beca" });
  backend.refuse(new Error("no end"));
  await sent;
  expect(session.messages.at(-1)).toMatchObject({ text: "Beca", problem: { code: "internal" } });
  expect(session.answering).toBe(false);
  expect(session.announcement).toBe("");
});

test("what a left conversation still says is not shown in the new one", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Beca" });
  session.unsent = "half a thought";
  await session.newConversation();
  expect(backend.calls).toContainEqual(["stop"]);
  backend.on({ kind: "text", text: "use" });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  expect(session.messages).toEqual([]);
  expect(session.announcement).toBe("");
  expect(session.unsent, "unsent text comes along").toBe("half a thought");
  expect(backend.calls).toContainEqual(["saveUnsent", 2, "half a thought"]);
});

test("what goes on in the background settles no problem", async () => {
  const { session } = await opened();
  session.problem = { code: "busy", details: {} };
  await session.keepUnsent();
  expect(session.problem.code).toBe("busy");
  await session.change({ speedUp: false });
  expect(session.problem).toBeUndefined();
  expect(session.settings.speedUp).toBe(false);
});

test("what is installed is read again when a download ends", async () => {
  const { backend, session } = await opened();
  const card = { id: "a", name: "A", rungs: [], licences: [], bytes: 9, missingBytes: 0 };
  backend.opening.ladders = [card];
  backend.engine({ kind: "fetching", ladder: "a", doneBytes: 1, totalBytes: 9, secondsLeft: null });
  expect(session.ladder).toBeUndefined();
  backend.engine(ready);
  await vi.waitFor(() => expect(session.ladder).toEqual(card));
});

test("an old answer comes back if nothing was said in its place", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Because." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  const again = session.answerAgain();
  backend.on({ kind: "saved", message: 11, answer: 13 });
  backend.on({ kind: "failed", problem: { code: "worker_gave_up", details: {} } });
  backend.end();
  await again;
  expect(texts(session)).toEqual(["Why?", "Because.", ""]);
  expect(session.messages.at(-1)?.problem?.code).toBe("worker_gave_up");
});
