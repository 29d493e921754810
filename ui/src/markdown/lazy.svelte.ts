import type { highlight } from "./highlight";
import type { typeset } from "./typeset";

/** A part that is fetched when it is first asked for; undefined until it is there. */
class Lazy<T> {
  #value = $state.raw<T>();
  #asked = false;

  constructor(readonly load: () => Promise<T>) {}

  /** Asks for it. Not from within a derived value: it may change state. */
  ask() {
    if (this.#asked) return;
    this.#asked = true;
    // Without it text is shown plain.
    this.load().then((value) => (this.#value = value), () => (this.#asked = false));
  }

  get value(): T | undefined {
    return this.#value;
  }
}

export const highlighter = new Lazy<typeof highlight>(async () => (await import("./highlight")).highlight);
export const typesetter = new Lazy<typeof typeset>(async () => (await import("./typeset")).typeset);
