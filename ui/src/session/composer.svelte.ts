import { problemOf, Refusal, type AttachmentCard, type Backend, type Conversation, type Limits, type Part, type Problem, type PromptSize, type ShownMessage } from "../backend";
import { size } from "../words";
import type { Answers } from "./answers.svelte";
import type { Engine } from "./engine.svelte";
import { Resting } from "./resting";
import type { End, Thread } from "./thread.svelte";
import type { Told } from "./told.svelte";

/** How often, and how long after the last time in milliseconds, it is asked again what a prompt takes. */
const TRIES = 5;
const AGAIN = 400;

/** A message that waits for the engine. */
interface Waiting {
  at: End;
  text: string;
}

/** A file that the page has, or that the app lends it. */
export type Readable = Pick<File, "name" | "size" | "arrayBuffer">;

/** What is about to be said: text, files, and whether it waits for the engine. */
export class Composer {
  text = $state("");
  attached = $state<AttachmentCard[]>([]);
  /** Names of files being read. */
  arriving = $state<string[]>([]);
  /** Files that could not be taken, and why. */
  refused = $state<{ name: string; problem: Problem }[]>([]);
  /** What is sent by itself as soon as the engine is free, in this order; one for a conversation, shown or not. */
  waiting = $state<Waiting[]>([]);
  /** How much of the context the next question would take, the last time it was asked. */
  size = $state<PromptSize | null>(null);
  limits = $state<Limits>({ attachmentBytes: 0, attachments: 0 });
  #rest = new Resting(() => {
    void this.keep();
    void this.measure();
  });
  #keeping: Promise<unknown> = Promise.resolve();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly engine: Engine,
    readonly thread: Thread,
    readonly answers: Answers,
  ) {}

  /** What else keeps the engine busy. */
  blocked: () => boolean = () => false;

  /** Whether an answer may be begun now. */
  free = $derived.by(() => this.engine.ready && !this.answers.busy && !this.blocked());

  /** Whether the text waits to be sent. */
  queued = $derived.by(() => this.waiting.some(({ at }) => at.conversation === this.thread.id));

  /** Whether Enter does something now. */
  sendable = $derived.by(() => this.text.trim() !== "" && this.arriving.length === 0 && !this.queued);
  /** Whether what was measured last is more than the context holds. */
  tooLong = $derived.by(() => this.size !== null && (this.size.tokens === null || this.size.tokens >= this.size.context));
  /** Tokens that the context of what is loaded holds. */
  context = $derived.by(() => (this.engine.state.kind === "ready" ? this.engine.state.loaded.context : undefined));
  /** A file that is more than the context holds, whatever is typed. */
  tooLongFile = $derived.by(() => this.attached.find(({ part, tokens }) => part === "whole" && tokens !== null && this.context !== undefined && tokens >= this.context));
  #measured = "";
  #again: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  /** How often it was measured. */
  #turn = 0;
  /** How often the tokens of a file were asked for. */
  readonly #counted = new Map<number, number>();

  take(conversation: Conversation) {
    this.text = conversation.unsent;
    this.attached = conversation.attached;
    this.refused = [];
    this.size = null;
    this.#tries = 0;
    void this.measure();
  }

  /** Sends what is in the composer, at once or as soon as it can be answered. It stays there until it is on disk. */
  async send() {
    const typed = this.text;
    const text = typed.trim();
    if (!text || this.queued || this.arriving.length > 0) return;
    // It would be refused behind its back; why is said below the text.
    if (this.tooLongFile || (this.tooLong && this.#measured === text)) return;
    const at = this.thread.end();
    if (!this.free) {
      this.waiting.push({ at, text });
      this.told.announcement = "queuedSaid";
      return;
    }
    this.#rest.done();
    const { id } = this.thread;
    // Or the same text would be kept as unsent behind the message.
    await this.#keeping;
    if (this.thread.id !== id || this.answers.busy) {
      // Another conversation is shown by now, or something else is being answered: it waits for its turn, in its own.
      this.waiting.push({ at, text });
      return this.flush();
    }
    const sent = (question: ShownMessage) => {
      // Another conversation's composer is shown now; this one's was emptied on disk.
      if (this.thread.id !== id) return;
      question.attachments = this.attached;
      this.attached = [];
      this.refused = [];
      this.size = null;
      // What was typed since Enter stays.
      this.text = this.text.startsWith(typed) ? this.text.slice(typed.length) : this.text;
    };
    await this.answers.send(text, { sent });
  }

  /** Sends what waits longest, if an answer may be begun now. Without a model it waits on: whichever is chosen next will do. */
  flush() {
    if (this.waiting.length === 0 || !this.free || this.arriving.length > 0) return;
    const [{ at, text }] = this.waiting.splice(0, 1) as [Waiting];
    if (at.conversation === this.thread.id) void this.send();
    // It is on disk there, with its files, once all is kept.
    else void this.#keeping.then(() => this.#sendElsewhere({ at, text }));
  }

  async #sendElsewhere(waiting: Waiting) {
    if (this.answers.busy || waiting.at.conversation === this.thread.id) {
      this.waiting.unshift(waiting);
      return this.flush();
    }
    await this.answers.send(waiting.text, { at: waiting.at });
  }

  /** The message that what waits in a conversation was to stand behind is gone: it stands where that stood. */
  async vanished(conversation: number) {
    if (!this.waiting.some(({ at }) => at.conversation === conversation)) return;
    await this.told.behind(async () => this.follow(conversation, (await this.backend.openConversation(conversation)).messages.at(-1)?.id ?? null));
  }

  /** What waits in a conversation is said behind `leaf`. */
  follow(conversation: number, leaf: number | null) {
    for (const { at } of this.waiting) if (at.conversation === conversation) at.leaf = leaf;
  }

  /** What waits in a conversation, or in the one that is shown, is not sent; it stays where it was typed. */
  unqueue(conversation = this.thread.id) {
    this.waiting = this.waiting.filter(({ at }) => at.conversation !== conversation);
  }

  /** The text changed: kept on disk once the keys rest. What waited is no longer what was meant. */
  typed() {
    this.#tries = 0;
    this.unqueue();
    this.#rest.stir();
  }

  put(text: string) {
    this.text = text;
    this.typed();
  }

  keep() {
    this.#rest.done();
    const [conversation, text] = [this.thread.id, this.text];
    // Another version may be shown since Enter.
    this.follow(conversation, this.thread.leaf?.id ?? null);
    // One after the other: the last word of each conversation stands.
    this.#keeping = this.#keeping.then(() => this.told.behind(() => this.backend.saveUnsent(conversation, text)));
    return this.#keeping;
  }

  /** Asks how much of the context is taken. It is only a help: if it cannot be told, nothing is said. */
  async measure() {
    clearTimeout(this.#again);
    const { id, leaf } = this.thread;
    const text = this.text.trim();
    const turn = ++this.#turn;
    const wanted = () => this.free && (text !== "" || this.attached.length > 0);
    const size = wanted() ? await this.backend.promptSize(id, leaf?.id ?? null, text).catch(() => null) : null;
    // Unless the text is another by now, or it was asked again.
    if (this.thread.id !== id || this.text.trim() !== text || turn !== this.#turn) return;
    // The engine was at something else for a moment: what was known stands until there is something newer.
    const again = !size && wanted() && this.#tries++ < TRIES;
    if (!again) this.size = size;
    this.#measured = size ? text : "";
    if (size) await this.#countFiles(id);
    else if (again) this.#again = setTimeout(() => void this.measure(), AGAIN);
  }

  /** Files that were attached before a model was loaded have no tokens yet. */
  async #countFiles(id: number) {
    const tried = (file: number) => this.#counted.get(file) ?? 0;
    const unknown = this.attached.filter(({ id: file, tokens }) => tokens === null && tried(file) < TRIES);
    if (unknown.length === 0) return;
    for (const { id: file } of unknown) this.#counted.set(file, tried(file) + 1);
    const counted = await this.backend.openConversation(id).catch(() => undefined);
    if (this.thread.id !== id || !counted) return;
    this.attached = this.attached.map((card) => counted.attached.find((other) => other.id === card.id) ?? card);
  }

  /** Whether something above could be left out, and that would help. */
  canLeaveOut = $derived.by(() => {
    const enough = !this.tooLong || (this.size?.least != null && this.size.least < this.size.context);
    return enough && this.thread.leftOut < this.thread.messages.length;
  });

  /** The model reads so many of the oldest messages no more that the next question fits, or one that was asked. */
  leaveOut(asked?: number) {
    const { id, leaf } = this.thread;
    return this.told.asked(async () => {
      const last = await this.backend.leaveOut(id, asked ?? null, leaf?.id ?? null, this.text.trim());
      if (this.thread.id !== id) return;
      this.thread.lastLeftOut = last;
      this.thread.summary = "";
      this.told.announcement = "leftOutSaid";
      await this.measure();
    });
  }

  /** It reads all of them again. */
  readAll() {
    const { id } = this.thread;
    return this.told.asked(async () => {
      await this.backend.readAll(id);
      if (this.thread.id !== id) return;
      this.thread.lastLeftOut = 0;
      this.thread.summary = "";
      await this.measure();
    });
  }

  setSystem(text: string) {
    const { id } = this.thread;
    return this.told.asked(async () => {
      await this.backend.setSystem(id, text);
      if (this.thread.id === id) this.thread.system = text;
    });
  }

  /** One after the other, so that they stand in the order they came in. */
  async attach(files: Iterable<Readable>) {
    const { id } = this.thread;
    const all = [...files];
    this.refused = [];
    this.arriving.push(...all.map((file) => file.name));
    for (const file of all) {
      try {
        const card = await this.#read(id, file);
        // A conversation that was left and opened again has it already.
        if (this.thread.id === id && !this.attached.some((other) => other.id === card.id)) this.attached.push(card);
        this.told.announcement = "attachedSaid";
      } catch (thrown) {
        if (this.thread.id === id) this.refused.push({ name: file.name, problem: problemOf(thrown) });
      } finally {
        this.arriving.splice(this.arriving.indexOf(file.name), 1);
      }
    }
    void this.measure();
    this.flush();
  }

  async #read(conversation: number, file: Readable): Promise<AttachmentCard> {
    const { attachmentBytes, attachments } = this.limits;
    // A file of gigabytes is not even read.
    if (attachmentBytes !== null && file.size > attachmentBytes) throw new Refusal({ code: "document_too_large", details: { name: file.name, limit: size(attachmentBytes) } });
    // So are pipes and devices, whose reading would never end.
    if (file.size === 0) throw new Refusal({ code: "document_empty", details: { name: file.name } });
    if (this.attached.length >= attachments) throw new Refusal({ code: "attachments_too_many", details: { limit: String(attachments) } });
    const bytes = await file.arrayBuffer().catch(() => {
      throw new Refusal({ code: "document_unreadable", details: { name: file.name } });
    });
    return this.backend.attach(conversation, file.name, new Uint8Array(bytes));
  }

  /** Of the files that are read whole the one with the longest text. */
  longest = $derived.by(() => this.attached.filter(({ part }) => part === "whole").toSorted((a, b) => b.characters - a.characters)[0]);

  /** The model reads only a part of a file, or all of it again. */
  readPart(card: AttachmentCard, part: Part) {
    const { id } = this.thread;
    return this.told.asked(async () => {
      await this.backend.readPart(card.id, part);
      if (this.thread.id !== id) return;
      this.attached = this.attached.map((other) => (other.id === card.id ? { ...other, part } : other));
      // What was measured was something else.
      this.size = null;
      this.told.announcement = "partSaid";
      await this.measure();
    });
  }

  detach(card: AttachmentCard) {
    return this.told.asked(async () => {
      await this.backend.detach(card.id).catch((thrown: unknown) => {
        // A second click on the same button: it is out already.
        if (problemOf(thrown).code !== "gone") throw thrown;
      });
      this.attached = this.attached.filter((other) => other.id !== card.id);
      void this.measure();
      this.told.announcement = "detachedSaid";
    });
  }
}
