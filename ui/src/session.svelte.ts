import { problemOf, type Backend, type ChatEvent, type EngineState, type LadderCard, type Problem, type Receipt, type Choices, type ShownMessage } from "./backend";

const EMPTY: Choices = { ladder: "", speedUp: true, exact: false, language: "system", theme: "system" };

/** How long after the last key unsent text is kept, in milliseconds. */
const REST = 400;

/** The state of the window. Components read it; only its methods change it. */
export class Session {
  conversation = $state(0);
  messages = $state<ShownMessage[]>([]);
  unsent = $state("");
  ladders = $state<LadderCard[]>([]);
  engine = $state<EngineState>({ kind: "empty" });
  settings = $state(EMPTY);
  notices = $state<Problem[]>([]);
  /** Why the window has nothing to show. */
  fatal = $state<Problem>();
  /** What went wrong outside an answer. */
  problem = $state<Problem>();
  answering = $state(false);
  reading = $state(false);
  opened = $state(false);
  /** For screen readers: what happens, not every word of it. */
  announcement = $state<"" | "thinking" | "answered" | "stopped">("");

  #pending = "";
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly backend: Backend) {}

  ladder = $derived(this.ladders.find((card) => card.id === this.settings.ladder));
  ready = $derived(this.engine.kind === "ready");
  lastReceipt: Receipt | null = $derived(this.messages.findLast((message) => message.receipt)?.receipt ?? null);

  async open() {
    try {
      const opening = await this.backend.open();
      this.conversation = opening.conversation.id;
      this.messages = opening.conversation.messages;
      this.unsent = opening.conversation.unsent;
      this.ladders = opening.ladders;
      this.settings = opening.settings;
      this.notices = opening.notices;
      this.engine = opening.engine;
      this.fatal = undefined;
      this.opened = true;
      await this.backend.watchEngine((state) => void this.#engineChanged(state));
    } catch (thrown) {
      this.fatal = problemOf(thrown);
    }
  }

  async #engineChanged(state: EngineState) {
    const fetched = this.engine.kind === "fetching" && state.kind !== "fetching";
    this.engine = state;
    // What is installed has changed.
    if (fetched || state.kind === "failed") await this.#quietly(async () => void (this.ladders = (await this.backend.open()).ladders));
  }

  /** Sends what is in the composer. It stays there until it is on disk. */
  async send() {
    const text = this.unsent.trim();
    if (!text || this.answering || !this.ready) return;
    clearTimeout(this.#rest);
    await this.#answer((on) => this.backend.send(this.conversation, text, on), text);
  }

  async answerAgain() {
    if (this.answering || !this.ready) return;
    const asked = this.messages.findLastIndex((message) => message.speaker === "user");
    if (asked < 0) return;
    this.messages.length = asked + 1;
    await this.#answer((on) => this.backend.answerAgain(this.conversation, on));
  }

  async #answer(call: (on: (event: ChatEvent) => void) => Promise<void>, text?: string) {
    this.problem = undefined;
    this.answering = true;
    this.announcement = "thinking";
    const before = this.messages.length;
    try {
      await call((event) => this.#take(event, text));
    } catch (thrown) {
      this.#paint();
      const problem = problemOf(thrown);
      const answer = this.messages.at(-1);
      if (answer?.speaker === "assistant" && this.messages.length > before) answer.problem = problem;
      else this.problem = problem;
    } finally {
      this.#paint();
      this.answering = false;
      this.reading = false;
    }
  }

  #take(event: ChatEvent, text?: string) {
    const now = Date.now();
    const answer = this.messages.at(-1);
    switch (event.kind) {
      case "saved":
        if (text !== undefined) {
          this.messages.push({ id: event.message, speaker: "user", text, receipt: null, problem: null, atMs: now });
          this.unsent = "";
        }
        this.messages.push({ id: event.answer, speaker: "assistant", text: "", receipt: null, problem: null, atMs: now });
        this.reading = true;
        break;
      case "reading":
        break;
      case "text":
        this.reading = false;
        this.#pending += event.text;
        // However fast text comes, it is painted once per frame.
        this.#frame ||= requestAnimationFrame(() => this.#paint());
        break;
      case "resuming":
        if (answer) answer.problem = event.problem;
        break;
      case "finished":
        this.#paint();
        if (answer) {
          answer.receipt = event.receipt;
          answer.problem = null;
        }
        this.announcement = event.receipt.finish === "stopped" ? "stopped" : "answered";
        break;
      case "failed":
        this.#paint();
        if (answer) answer.problem = event.problem;
        break;
    }
  }

  #paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const answer = this.messages.at(-1);
    if (this.#pending && answer) answer.text += this.#pending;
    this.#pending = "";
  }

  stop() {
    return this.#quietly(() => this.backend.stop());
  }

  /** The composer changed: kept on disk once the keys rest. */
  typed() {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.keepUnsent(), REST);
  }

  keepUnsent() {
    clearTimeout(this.#rest);
    return this.#quietly(() => this.backend.saveUnsent(this.conversation, this.unsent));
  }

  async newConversation() {
    if (this.answering) await this.stop();
    await this.#quietly(async () => {
      const conversation = await this.backend.newConversation();
      this.conversation = conversation.id;
      this.messages = conversation.messages;
      this.announcement = "";
    });
  }

  fetch(ladder: string) {
    return this.#quietly(() => this.backend.fetchLadder(ladder));
  }

  cancelFetch() {
    return this.#quietly(() => this.backend.cancelFetch());
  }

  reload() {
    return this.#quietly(() => this.backend.loadLadder(this.settings.ladder));
  }

  change(change: Partial<Choices>) {
    return this.#quietly(async () => void (this.settings = await this.backend.changeSettings({ ...$state.snapshot(this.settings), ...change })));
  }

  async #quietly(work: () => Promise<void>) {
    try {
      await work();
      this.problem = undefined;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}
