import type { Backend } from "../backend";
import type { Readable } from "./composer.svelte";
import type { AddedNow, Ladders } from "./ladders.svelte";

/** Bytes that go to the app at once. */
export const PIECE = 6 * 1024 * 1024;

/** A recipe is a small file; only so much of another one is looked at. */
const RECIPE = 256 * 1024;

/** Whether a file is a model or a recipe of ours; any other TOML is something to ask about. */
async function ours(file: File): Promise<boolean> {
  const name = file.name.toLowerCase();
  // One that is called so is no text for a message, whatever is in it.
  if (name.endsWith(".gguf") || name.endsWith(".taki.toml")) return true;
  if (!name.endsWith(".toml") || file.size > RECIPE) return false;
  const text = await file.text().catch(() => "");
  return /^\s*taki_recipe\s*=/m.test(text);
}

/** Models and recipes that were dropped on the window. */
export class Dropped {
  #cancelled = false;
  /** The ticket of what the app takes in now: all of it is there. */
  #whole: number | undefined;

  constructor(
    readonly backend: Backend,
    readonly ladders: Ladders,
  ) {}

  /** Divides what was dropped into models and recipes, and all else. */
  async sort(files: Iterable<File>): Promise<{ models: File[]; others: File[] }> {
    const [models, others]: [File[], File[]] = [[], []];
    for (const file of [...files]) ((await ours(file)) ? models : others).push(file);
    return { models, others };
  }

  /** What was let go over the window since this was asked last, where the page itself has no files; models and recipes are opened like others. */
  async dragged(): Promise<Readable[]> {
    const files = await this.backend.takeDragged();
    return files.map(({ ticket, name, bytes }) => ({ name, size: bytes ?? 0, arrayBuffer: () => this.backend.draggedFile(ticket) }));
  }

  /** Takes models and recipes in, one after the other. */
  async take(files: File[]) {
    this.#cancelled = false;
    for (const file of files) {
      if (this.#cancelled) return;
      await this.ladders.working("dropping", (on) => this.#send(file, on), file.name);
    }
  }

  async #send(file: File, on: (share: number) => void): Promise<AddedNow | undefined> {
    const ticket = await this.backend.dropBegin(file.name, file.size);
    try {
      for (let at = 0; at < file.size && !this.#cancelled; at += PIECE) {
        // In order: the app appends them.
        await this.backend.dropPiece(ticket, file.slice(at, at + PIECE));
        on(Math.min(1, (at + PIECE) / file.size));
      }
      if (this.#cancelled) {
        await this.backend.dropCancel(ticket);
        return undefined;
      }
      this.#whole = ticket;
      return { what: "ladder", ...(await this.backend.dropEnd(ticket)) };
    } catch (thrown) {
      // What it has of the file so far is of no use.
      await this.backend.dropCancel(ticket).catch(() => undefined);
      throw thrown;
    } finally {
      this.#whole = undefined;
    }
  }

  cancel() {
    this.#cancelled = true;
    // Before that, whoever sends the pieces sees it, and none comes for a ticket that is gone.
    if (this.#whole !== undefined) void this.backend.dropCancel(this.#whole).catch(() => undefined);
  }
}
