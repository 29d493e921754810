import type { Conversation, Place, ShownMessage } from "../backend";

/** Where a question is asked: behind the last message of the chosen branch. */
export interface End {
  conversation: number;
  leaf: number | null;
}

/** The open conversation as far as it is shown: one branch, root to leaf. */
export class Thread {
  id = $state(0);
  title = $state("");
  messages = $state<ShownMessage[]>([]);
  /** System prompt; empty if there is none. */
  system = $state("");
  /** The last message that the model does not read, by id; 0 is none. */
  lastLeftOut = $state(0);
  /** What the model reads in its place; empty for nothing. */
  summary = $state("");
  /** Where the reader was; null at the end. */
  place: Place | null = null;
  /** What is to be brought into view: a message that was searched for, or the end. */
  goal = $state<number | "end">();

  /** Where the next question stands. */
  end = (): End => ({ conversation: this.id, leaf: this.leaf?.id ?? null });

  leaf = $derived(this.messages.at(-1));
  receipt = $derived(this.messages.findLast((message) => message.receipt)?.receipt ?? null);

  /** `live` is the answer being written, which is newer than what is on disk. */
  show(conversation: Conversation, live?: ShownMessage) {
    const same = this.id === conversation.id;
    this.id = conversation.id;
    this.title = conversation.title;
    this.system = conversation.system;
    this.lastLeftOut = conversation.leftOut;
    this.summary = conversation.summary;
    this.messages = conversation.messages.map((message) => (message.id === live?.id ? live : message));
    if (!same) this.place = conversation.place;
  }

  at = (id: number) => this.messages.findIndex((message) => message.id === id);

  /** How many of the shown messages the model does not read. */
  leftOut = $derived(this.messages.findIndex((message) => message.id === this.lastLeftOut) + 1);

  /** Puts a message at the end, or in the place of the same one: a conversation that was opened meanwhile has it already. */
  add(message: ShownMessage) {
    const at = this.at(message.id);
    if (at < 0) this.messages.push(message);
    else this.messages[at] = message;
  }

  /** Everything from here on makes room for another branch. What goes is given back. */
  cut(index: number): ShownMessage[] {
    return this.messages.splice(index);
  }

  /** The last question: what "answer again" is about. */
  question = $derived(this.messages.findLast((message) => message.speaker === "user"));

  /** The version before or after this one; undefined if there is none. */
  beside(message: ShownMessage, step: 1 | -1): number | undefined {
    return message.versions[message.versions.indexOf(message.id) + step];
  }
}
