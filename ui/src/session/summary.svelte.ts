import { problemOf, type Backend, type ChatEvent } from "../backend";
import type { Thread } from "./thread.svelte";
import type { Told } from "./told.svelte";

/** A summary of the oldest messages, which the model writes and then reads in their place. */
export class Summary {
  /** The conversation it is of, while it is written. */
  where = $state<number>();
  /** What there is of it. */
  text = $state("");
  /** Share of the messages that is read, 0 to 1; undefined once it is being written. */
  reading = $state<number>();
  /** Called when the engine is free again. */
  ended: () => void = () => undefined;

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
    const { id, leaf } = this.thread;
    Object.assign(this, { where: id, text: "", reading: 0 });
    this.told.problem = undefined;
    this.told.announcement = "summarising";
    let done = false;
    try {
      const { last, summary } = await this.backend.summarise(id, asked ?? null, leaf?.id ?? null, text, (event) => this.#take(event));
      done = true;
      if (this.thread.id === id) {
        this.thread.lastLeftOut = last;
        this.thread.summary = summary;
        this.told.announcement = "summarisedSaid";
      }
    } catch (thrown) {
      const problem = problemOf(thrown);
      // Who stopped it knows.
      if (problem.code !== "cancelled") this.told.problem = problem;
      this.told.announcement = problem.code === "cancelled" ? "stopped" : "";
    }
    this.where = undefined;
    this.ended();
    return done && this.thread.id === id;
  }

  #take(event: ChatEvent) {
    if (event.kind === "reading") this.reading = event.done / Math.max(1, event.total);
    else if (event.kind === "text") {
      this.reading = undefined;
      this.text += event.text;
    }
  }
}
