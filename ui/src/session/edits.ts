import type { Backend, ShownMessage } from "../backend";
import { Resting } from "./resting";
import type { Told } from "./told.svelte";

/** Texts of questions that are being edited, by message: they are there again when one returns to them, and after a restart. */
export class Edits {
  readonly #texts = new Map<number, string>();
  /** Whose texts are not on disk yet. */
  readonly #changed = new Set<number>();
  #rest = new Resting(() => void this.keep());
  #keeping: Promise<unknown> = Promise.resolve();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  get = (message: number) => this.#texts.get(message);

  /** What is on disk, unless there is something newer. */
  take(messages: readonly ShownMessage[]) {
    for (const { id, edited } of messages) if (edited !== null && !this.#texts.has(id)) this.#texts.set(id, edited);
  }

  /** The last of them that is being edited. */
  last = (messages: readonly ShownMessage[]) => messages.findLast((message) => this.#texts.has(message.id))?.id;

  set(message: number, text: string) {
    this.#texts.set(message, text);
    this.#changed.add(message);
    this.#rest.stir();
  }

  /** It is not edited any more. `sent`: the disk knows that. */
  end(message: ShownMessage, sent = false) {
    this.#texts.delete(message.id);
    this.#changed.delete(message.id);
    message.edited = null;
    if (!sent) void this.#save(message.id);
  }

  /** Returns when all is on disk. */
  keep() {
    this.#rest.done();
    for (const message of this.#changed) void this.#save(message);
    this.#changed.clear();
    return this.#keeping;
  }

  /** One after the other: the last word stands. */
  #save(message: number) {
    const text = this.#texts.get(message) ?? null;
    this.#keeping = this.#keeping.then(() => this.told.behind(() => this.backend.saveEdited(message, text)));
    return this.#keeping;
  }
}
