/** How long keys and scrolling must rest before what they changed is kept, in milliseconds. */
const REST = 400;

/** Work that waits until what causes it has rested for a moment. */
export class Resting {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly work: () => void) {}

  /** It was caused once more: the wait begins anew. */
  stir() {
    this.done();
    this.#timer = setTimeout(this.work, REST);
  }

  /** It is done, or nobody waits for it any more. */
  done() {
    clearTimeout(this.#timer);
  }
}
