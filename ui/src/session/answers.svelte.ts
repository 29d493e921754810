import { problemOf, type Backend, type ChatEvent, type Listen, type Problem, type ShownMessage } from "../backend";
import type { End, Thread } from "./thread.svelte";
import type { Told } from "./told.svelte";

/** A message that was just made. */
export const fresh = (message: Pick<ShownMessage, "id" | "parent" | "speaker" | "text"> & Partial<ShownMessage>): ShownMessage => ({
  versions: [message.id],
  attachments: [],
  receipt: null,
  problem: null,
  edited: null,
  atMs: Date.now(),
  ...message,
});

/** After so many seconds of reading it is told how long the rest takes. */
const SURE = 2;

interface Work {
  /** Starts the stream. */
  call: (on: Listen) => Promise<void>;
  /** Question and answer have their ids. Puts what is new into the thread, if it is shown, and gives the answer. */
  saved: (question: number, answer: number, shown: boolean) => ShownMessage;
  /** Whether an answer without a word leaves what was there before. */
  spares: boolean;
}

/** The answer that is being written. There is never more than one, in whichever conversation. */
export class Answers {
  /** The conversation it is written in. */
  where = $state<number>();
  /** Share of the prompt that is read, 0 to 1; undefined once the answer begins. */
  reading = $state<number>();
  /** How many seconds of reading are about left; undefined while that cannot be told. */
  left = $state<number>();
  writing = $state<ShownMessage>();
  /** Called when the engine is free again, with the conversation, how long that took in milliseconds and what broke it off. */
  ended: (where: number, took: number, problem?: Problem) => void = () => undefined;
  /** Called when an answer that was begun in a conversation that is not shown is gone again. */
  vanished: (conversation: number) => void = () => undefined;
  /** Called when a message was kept. */
  kept: () => void = () => undefined;
  /** The share of the prompt that was told first, and when. */
  #first: { share: number; at: number } | undefined;
  #pending = "";
  #frame = 0;
  #over: Promise<void> = Promise.resolve();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly thread: Thread,
  ) {}

  busy = $derived(this.where !== undefined);
  /** Whether it is written in the conversation that is shown. */
  here = $derived.by(() => this.where === this.thread.id);

  /** Asks at the end of the branch, in the place of a question, or at a place of another conversation. Returns when the answer has ended. */
  send(text: string, { edited, sent, at = this.thread.end() }: { edited?: ShownMessage; sent?: (question: ShownMessage) => void; at?: End }) {
    const parent = edited ? edited.parent : at.leaf;
    return this.#run(at.conversation, {
      call: (on) => this.backend.send(at.conversation, parent, text, edited?.id ?? null, on),
      saved: (question, answer, shown) => {
        const versions = [...(edited?.versions ?? []), question];
        const message = fresh({ id: question, parent, speaker: "user", text, versions, attachments: edited?.attachments.map((card) => ({ ...card })) ?? [] });
        sent?.(message);
        if (shown) {
          if (edited) this.thread.cut(this.thread.at(edited.id));
          this.thread.add(message);
        }
        return this.#begun(fresh({ id: answer, parent: question, speaker: "assistant", text: "" }), shown);
      },
      spares: edited !== undefined,
    });
  }

  again(question: ShownMessage) {
    const old = this.thread.messages[this.thread.at(question.id) + 1];
    return this.#run(this.thread.id, {
      call: (on) => this.backend.answerAgain(question.id, on),
      saved: (_, answer, shown) => {
        // The old answer stays until there is a new one.
        if (shown) this.thread.cut(this.thread.at(question.id) + 1);
        return this.#begun(fresh({ id: answer, parent: question.id, speaker: "assistant", text: "", versions: [...(old?.versions ?? []), answer] }), shown);
      },
      spares: old !== undefined,
    });
  }

  continue(answer: ShownMessage) {
    return this.#run(this.thread.id, {
      call: (on) => this.backend.continueAnswer(answer.id, on),
      saved: (_question, _answer, shown) => {
        answer.receipt = null;
        answer.problem = null;
        // Shown anew meanwhile it is another object.
        return this.#begun(answer, shown);
      },
      spares: false,
    });
  }

  #begun(answer: ShownMessage, shown: boolean): ShownMessage {
    this.writing = answer;
    if (shown) this.thread.add(this.writing);
    return this.writing;
  }

  #run(where: number, work: Work): Promise<void> {
    if (!this.busy) this.#over = this.#write(where, work);
    return this.#over;
  }

  async #write(where: number, { call, saved, spares }: Work) {
    const began = Date.now();
    this.where = where;
    this.told.problem = undefined;
    this.told.announcement = "thinking";
    let problem: Problem | undefined;
    try {
      await call((event) => {
        if (event.kind === "left_out") {
          if (this.thread.id === where) Object.assign(this.thread, { lastLeftOut: event.last, summary: "" });
          this.told.announcement = "leftOutSaid";
        } else if (event.kind === "saved") {
          this.writing = saved(event.message, event.answer, this.thread.id === where);
          this.reading = 0;
          this.left = this.#first = undefined;
          this.kept();
        } else {
          problem = this.#take(event) ?? problem;
        }
      });
    } catch (thrown) {
      this.#paint();
      problem = problemOf(thrown);
      if (this.writing) this.writing.problem = problem;
      else this.told.problem = problem;
      this.told.announcement = "";
    }
    this.#paint();
    const silent = spares && this.writing?.text === "";
    this.writing = undefined;
    this.where = undefined;
    this.reading = undefined;
    // Nothing was said in its place: what was there before is still the branch.
    if (silent) await this.#reread(where, problem);
    this.ended(where, Date.now() - began, problem);
  }

  async #reread(where: number, problem: Problem | undefined) {
    if (this.thread.id !== where) return this.vanished(where);
    await this.told.behind(async () => {
      const conversation = await this.backend.openConversation(where);
      if (this.thread.id === where) this.thread.show(conversation);
    });
    // Unless it stands in the conversation already.
    if (problem && problem.code !== "cancelled" && !this.thread.messages.some((message) => message.problem)) this.told.problem = problem;
  }

  /** Gives the problem that the answer ended with, if it did. */
  #take(event: ChatEvent): Problem | undefined {
    const answer = this.writing;
    switch (event.kind) {
      case "reading":
        this.#read(event.total > 0 ? event.done / event.total : 0);
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
        this.told.announcement = event.receipt.finish === "stopped" ? "stopped" : "answered";
        break;
      case "failed":
        this.#paint();
        if (answer) answer.problem = event.problem;
        this.told.announcement = "";
        return event.problem;
    }
  }

  #read(share: number) {
    // What is in memory already takes no time: it is reckoned from the first share that was told.
    this.#first ??= { share, at: Date.now() };
    const [read, took] = [share - this.#first.share, (Date.now() - this.#first.at) / 1000];
    this.left = read > 0 && took > SURE ? (took / read) * (1 - share) : undefined;
    this.reading = share;
  }

  #paint() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (this.#pending && this.writing) this.writing.text += this.#pending;
    this.#pending = "";
  }

  stop() {
    return this.told.asked(() => this.backend.stop());
  }

  /** Stops, and returns when nothing is being written any more. */
  async halt() {
    if (await this.stop()) await this.#over;
  }
}
