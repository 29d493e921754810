import { problemOf, type Backend, type Found, type Problem } from "../backend";

/** How long after the last key is searched, in milliseconds, and for how many hits. */
const REST = 150;
const LIMIT = 50;

/** The search through everything that was said. */
export class Search {
  text = $state("");
  found = $state<Found[]>([]);
  /** Whether `found` does not belong to `text` yet. */
  searching = $state(false);
  problem = $state<Problem>();
  active = $derived(this.text.trim() !== "");
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  constructor(readonly backend: Backend) {}

  typed() {
    clearTimeout(this.#timer);
    const turn = ++this.#turn;
    this.problem = undefined;
    this.searching = this.active;
    if (!this.active) this.found = [];
    else this.#timer = setTimeout(() => void this.#run(turn), REST);
  }

  clear() {
    this.text = "";
    this.typed();
  }

  async #run(turn: number) {
    let found: Found[] = [];
    let problem: Problem | undefined;
    try {
      found = await this.backend.search(this.text.trim(), LIMIT);
    } catch (thrown) {
      problem = problemOf(thrown);
    }
    // A later key has asked for something else.
    if (turn !== this.#turn) return;
    this.found = found;
    this.problem = problem;
    this.searching = false;
  }
}
