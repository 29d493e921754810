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

  settle() {
    clearTimeout(this.#timer);
    this.undo = undefined;
    this.#earlier = [];
    this.moved = undefined;
  }

  async takeBack() {
    const undo = this.undo;
    if (!undo) return;
    // The deletion before it can be had back next.
    const before = this.#earlier.pop();
    this.undo = before && { ...before, typed: false };
    this.moved = undefined;
    if (this.undo) this.resume();
    else clearTimeout(this.#timer);
    if (await this.asked(undo.back)) this.announcement = "restoredSaid";
  }
}
