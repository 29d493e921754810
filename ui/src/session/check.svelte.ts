import { problemOf, type Backend, type LadderCard } from "../backend";
import type { Ladders } from "./ladders.svelte";
import type { Told } from "./told.svelte";

/** The one-minute check of how fast the ladder in use writes here. */
export class Check {
  /** The share of it that is done, while it runs. */
  share = $state<number>();

  /** Called when the engine is free again. */
  ended: () => void = () => undefined;

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly ladders: Ladders,
  ) {}

  running = $derived.by(() => this.share !== undefined);

  async run(card: LadderCard) {
    if (this.running) return;
    this.share = 0;
    this.ladders.added = undefined;
    await this.told.asked(async () => {
      try {
        await this.backend.checkLadder((share) => (this.share = share));
        this.ladders.added = { what: "checked", name: card.name };
      } catch (thrown) {
        if (problemOf(thrown).code !== "cancelled") throw thrown;
      } finally {
        this.share = undefined;
      }
    });
    // What was found stands on the cards, and what is suggested may be another one.
    await this.ladders.lookUp();
    this.ended();
  }

  stop = () => this.told.asked(() => this.backend.stopCheck());
}
