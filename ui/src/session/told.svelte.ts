import { problemOf, type Problem } from "../backend";

/** Keys of `Words` that screen readers hear when something happens. */
export type Announcement =
  | ""
  | "thinking"
  | "answered"
  | "stopped"
  | "queuedSaid"
  | "deletedSaid"
  | "restoredSaid"
  | "attachedSaid"
  | "detachedSaid"
  | "partSaid"
  | "versionSaid"
  | "conversationSaid"
  | "leftOutSaid"
  | "summarising"
  | "summarisedSaid"
  | "copied";

/** Something that was just deleted and can be had back. */
export interface Undo {
  what: "deletedConversation" | "deletedMessage" | "deletedLadder" | "droppedDownload";
  /** Its title or first words. */
  name: string;
  back: () => Promise<void>;
  /** Whether something was typed since: then Ctrl+Z is for the field. */
  typed: boolean;
}

/** How long a deletion can be taken back on the screen, in milliseconds. */
export const UNDO = 10_000;

/** What the window tells: problems, notices, what can be undone, what screen readers hear. */
export class Told {
  notices = $state<Problem[]>([]);
  /** Why the window has nothing to show. */
  fatal = $state<Problem>();
  /** What went wrong outside an answer. */
  problem = $state<Problem>();
  #announcement = $state<Announcement>("");
  /** How often something was announced: the same once more is heard only if the text is another. */
  announced = $state(0);
  undo = $state<Undo>();
  /** A file that was written or the number of conversations that came in. */
  moved = $state<{ what: "exported"; path: string } | { what: "imported"; added: number; known: number }>();
  /** Deletions before the one on the screen, the latest last. */
  #earlier: Undo[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  get announcement() {
    return this.#announcement;
  }

  set announcement(announcement: Announcement) {
    this.#announcement = announcement;
    if (announcement) this.announced += 1;
  }

  /** Does what the user asked for; a problem shown before is settled with it. True if it was done. */
  asked(work: () => Promise<void>): Promise<boolean> {
    this.problem = undefined;
    return this.behind(work);
  }

  /** Does something the user did not ask for: it may have a problem, but settles none. */
  async behind(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (thrown) {
      this.problem = problemOf(thrown);
      return false;
    }
  }

  offerUndo(what: Undo["what"], name: string, back: () => Promise<void>) {
    this.moved = undefined;
    if (this.undo) this.#earlier.push(this.undo);
    this.undo = { what, name, back, typed: false };
    this.announcement = "deletedSaid";
    this.resume();
  }

  /** The toast is looked at: it stays. */
  pause() {
    clearTimeout(this.#timer);
  }

  resume() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.settle(), UNDO);
  }

  /** The toast goes; what it offered can still be had back by keyboard. */
  settle() {
    clearTimeout(this.#timer);
    if (this.undo) this.#earlier.push(this.undo);
    this.undo = undefined;
    this.moved = undefined;
  }

  /** What was deleted is there again in another way: that is offered no more. */
  hadBack(what: Undo["what"], name: string) {
    const is = (undo: Undo) => undo.what === what && undo.name === name;
    this.#earlier = this.#earlier.filter((undo) => !is(undo));
    if (this.undo && is(this.undo)) this.undo = undefined;
  }

  /** Something was typed: from now on Ctrl+Z in a field is for that. */
  typed() {
    const last = this.undo ?? this.#earlier.at(-1);
    if (last) last.typed = true;
  }

  /** Whether Ctrl+Z takes back a deletion: of those in `field`, a text that is being written, only one that came after it. */
  takesBack(field: boolean): boolean {
    const last = this.undo ?? this.#earlier.at(-1);
    return last !== undefined && !(field && last.typed);
  }

  async takeBack() {
    const shown = this.undo;
    const undo = shown ?? this.#earlier.pop();
    if (!undo) return;
    // The deletion before it can be had back next.
    const before = shown && this.#earlier.pop();
    this.undo = before && { ...before, typed: false };
    this.moved = undefined;
    if (this.undo) this.resume();
    else clearTimeout(this.#timer);
    if (await this.asked(undo.back)) this.announcement = "restoredSaid";
  }
}
