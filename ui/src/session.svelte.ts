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
  /** Share of the prompt that is read, 0 to 1; undefined once the answer begins. */
  reading = $state<number>();
  opened = $state(false);
  /** For screen readers: what happens, not every word of it. */
  announcement = $state<"" | "thinking" | "answered" | "stopped">("");

  /** The answer that takes the stream's text. */
  #writing: ShownMessage | undefined;
  #pending = "";
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #keeping: Promise<void> = Promise.resolve();

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
    // What was missing is there.
    if (state.kind === "ready" && this.problem?.code === "nothing_loaded") this.problem = undefined;
    // What is installed has changed.
    if (fetched || state.kind === "failed") await this.#behind(async () => void (this.ladders = (await this.backend.open()).ladders));
  }

  /** Sends what is in the composer. It stays there until it is on disk. */
  async send() {
    const typed = this.unsent;
    const text = typed.trim();
    if (!text || this.answering) return;
    if (!this.ready) {
      this.problem = { code: "nothing_loaded", details: {} };
      return;
    }
    clearTimeout(this.#rest);
    await this.#answer(async (on) => {
      // Or the same text would be kept as unsent behind the message.
      await this.#keeping;
      await this.backend.send(this.conversation, text, on);
    }, (message) => {
      this.messages.push({ id: message, speaker: "user", text, receipt: null, problem: null, atMs: Date.now() });
      // What was typed since Enter stays.
      this.unsent = this.unsent.startsWith(typed) ? this.unsent.slice(typed.length) : this.unsent;
    });
  }

  async answerAgain() {
    if (this.answering || !this.ready) return;
    const asked = this.messages.findLastIndex((message) => message.speaker === "user");
    if (asked < 0) return;
    const { conversation } = this;
    let old: ShownMessage[] = [];
    // The old answer stays until there will be a new one.
    await this.#answer((on) => this.backend.answerAgain(conversation, on), () => void (old = this.messages.splice(asked + 1)));
    // Nothing was said in its place: it is still the answer, on the screen as on disk.
    const silent = conversation === this.conversation && this.messages.at(-1)?.text === "";
    if (silent) this.messages.splice(asked + 1, 0, ...old.filter((message) => message.text));
  }

  async #answer(call: (on: (event: ChatEvent) => void) => Promise<void>, saved: (message: number) => void) {
    this.problem = undefined;
    this.answering = true;
    this.announcement = "thinking";
    const conversation = this.conversation;
    try {
      await call((event) => {
        // A conversation that was left behind no longer shows what comes.
        if (conversation === this.conversation) this.#take(event, saved);
      });
    } catch (thrown) {
      this.#paint();
      const problem = problemOf(thrown);
      if (this.#writing) this.#writing.problem = problem;
      else this.problem = problem;
      this.announcement = "";
    } finally {
      this.#paint();
      this.#writing = undefined;
      this.answering = false;
      this.reading = undefined;
    }
  }

  #take(event: ChatEvent, saved: (message: number) => void) {
    const answer = this.#writing;
    switch (event.kind) {
      case "saved":
        saved(event.message);
        this.messages.push({ id: event.answer, speaker: "assistant", text: "", receipt: null, problem: null, atMs: Date.now() });
        this.#writing = this.messages.at(-1);
        this.reading = 0;
        break;
      case "reading":
        this.reading = event.total > 0 ? event.done / event.total : 0;
        break;
      case "text":
        this.reading = undefined;
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
        this.announcement = "";
        break;
    }
  }

  #paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#pending && this.#writing) this.#writing.text += this.#pending;
    this.#pending = "";
  }

  stop() {
    return this.#asked(() => this.backend.stop());
  }

  /** The composer changed: kept on disk once the keys rest. */
  typed() {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.keepUnsent(), REST);
  }

  keepUnsent() {
    clearTimeout(this.#rest);
    const [conversation, text] = [this.conversation, this.unsent];
    this.#keeping = this.#behind(() => this.backend.saveUnsent(conversation, text));
    return this.#keeping;
  }

  /** Begins anew. What is in the composer comes along. */
  async newConversation() {
    if (this.answering) await this.stop();
    await this.#asked(async () => {
      const conversation = await this.backend.newConversation();
      this.#paint();
      this.#writing = undefined;
      this.conversation = conversation.id;
      this.messages = conversation.messages;
      this.announcement = "";
      if (this.unsent) await this.keepUnsent();
    });
  }

  fetch(ladder: string) {
    return this.#asked(() => this.backend.fetchLadder(ladder));
  }

  cancelFetch() {
    return this.#asked(() => this.backend.cancelFetch());
  }

  reload() {
    return this.#asked(() => this.backend.loadLadder(this.settings.ladder));
  }

  change(change: Partial<Choices>) {
    return this.#asked(async () => void (this.settings = await this.backend.changeSettings({ ...$state.snapshot(this.settings), ...change })));
  }

  /** Does what the user asked for; a problem shown before is settled with it. */
  #asked(work: () => Promise<void>) {
    this.problem = undefined;
    return this.#behind(work);
  }

  /** Does something the user did not ask for: it may have a problem, but settles none. */
  async #behind(work: () => Promise<void>) {
    try {
      await work();
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}
