import { problemOf, type Backend, type ChatEvent } from "../backend";
import type { Thread } from "./thread.svelte";
import type { Told } from "./told.svelte";

/** A summary of the oldest messages, which the model writes and then reads in their place. */
export class Summary {
  /** The conversation it is of, while it is written. */
  where = $state<number>();
  /** Share of the messages that is read, 0 to 1; undefined once it is being written. */
  reading = $state<number>();
  #stopped = false;
  #over: Promise<unknown> = Promise.resolve();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly thread: Thread,
  ) {}

  running = $derived(this.where !== undefined);
  /** Whether it is of the conversation that is shown. */
  here = $derived.by(() => this.where === this.thread.id);

  /** Puts one in the place of so many messages that the next question, `text`, fits well, or one that was asked. Whether that was done. */
  async write(text: string, asked?: number): Promise<boolean> {
    if (this.running) return false;
    const written = this.#write(text, asked);
    this.#over = written;
    return written;
  }

  async #write(text: string, asked?: number): Promise<boolean> {
    const { id, leaf } = this.thread;
    Object.assign(this, { where: id, reading: 0 });
    this.#stopped = false;
    this.told.problem = undefined;
    this.told.announcement = "summarising";
    let done = false;
    try {
      const { last, summary } = await this.backend.summarise(id, asked ?? null, leaf?.id ?? null, text, (event) => this.#take(event));
      done = true;
      if (this.thread.id === id) {
        this.thread.lastLeftOut = last;
        this.thread.summary = summary;
        this.told.announcement = summary ? "summarisedSaid" : "leftOutSaid";
      }
    } catch (thrown) {
      const problem = problemOf(thrown);
      // Who stopped it knows, and who deleted what it was of.
      if (problem.code !== "cancelled" && (problem.code !== "gone" || this.thread.id === id)) this.told.problem = problem;
      this.told.announcement = problem.code === "cancelled" ? "stopped" : "";
    }
    this.where = undefined;
    return done && this.thread.id === id;
  }

  /** Before it is begun there is nothing to stop yet: then as soon as it is. */
  stop() {
    this.#stopped = true;
    return this.told.asked(() => this.backend.stop());
  }

  /** Stops it, and waits until it has ended. */
  async halt() {
    await this.stop();
    await this.#over;
  }

  #take(event: ChatEvent) {
    if (event.kind !== "reading") return;
    if (this.#stopped) void this.backend.stop().catch(() => undefined);
    // Once all is read it is being written: how long that takes nobody knows.
    this.reading = event.done < event.total ? event.done / event.total : undefined;
  }
}
