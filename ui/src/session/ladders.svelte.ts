import { problemOf, type Backend, type DraftChoice, type LadderCard, type MemoryShare, type ModelCard } from "../backend";
import type { Chosen } from "./choices.svelte";
import type { Engine } from "./engine.svelte";
import type { Told } from "./told.svelte";

/** The models, and the ladders that a person makes of them. */
export class Ladders {
  models = $state<ModelCard[]>([]);
  /** A file that is read or a model that is made smaller, and the share of it that is done. */
  work = $state<{ what: "adding" | "shrinking"; share: number }>();
  /** What came in or was made last. */
  added = $state<{ what: "ladder" | "model" | "written"; name: string }>();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly engine: Engine,
    readonly chosen: Chosen,
  ) {}

  lookUp = () =>
    this.told.behind(async () => {
      this.models = await this.backend.models();
      this.engine.ladders = await this.backend.ladders();
    });

  /** Which models can draft for a target; nothing if that cannot be told. */
  async choices(target: string): Promise<DraftChoice[]> {
    let choices: DraftChoice[] = [];
    await this.told.asked(async () => void (choices = await this.backend.draftChoices(target)));
    return choices;
  }

  async memory(models: string[]): Promise<MemoryShare | undefined> {
    let share: MemoryShare | undefined;
    await this.told.behind(async () => void (share = await this.backend.ladderMemory(models)));
    return share;
  }

  /** True if it is in the list now. */
  make(name: string, models: string[]) {
    return this.told.asked(async () => {
      await this.backend.makeLadder(name, models);
      this.added = { what: "ladder", name };
      await this.lookUp();
    });
  }

  /** Asks for a file and takes it in. */
  add() {
    return this.#working("adding", async (on) => {
      const added = await this.backend.addFile(on);
      if (added) this.added = { what: "ladder", name: added.name };
    });
  }

  shrink(model: string, mix: string) {
    return this.#working("shrinking", async (on) => {
      const made = await this.backend.shrinkModel(model, mix, on);
      this.added = { what: "model", name: made.name };
    });
  }

  stop = () => this.told.asked(() => this.backend.stopShrinking());

  remove(card: LadderCard) {
    return this.told.asked(async () => {
      await this.backend.removeLadder(card.id);
      await this.lookUp();
      this.told.offerUndo("deletedLadder", card.name, async () => {
        await this.backend.restoreLadder(card.id);
        await this.lookUp();
      });
    });
  }

  export(card: LadderCard) {
    return this.told.asked(async () => {
      const path = await this.backend.exportLadder(card.id);
      if (path) this.added = { what: "written", name: path };
    });
  }

  /** Has a ladder answer; what it lacks is fetched first, beside the one at hand if that answers. */
  async use(card: LadderCard) {
    if (!card.missingBytes) await this.chosen.change({ ladder: card.id });
    else if (this.engine.ready) await this.engine.fetchBeside(card.id);
    else await this.engine.fetch(card.id);
    await this.lookUp();
  }

  #working(what: "adding" | "shrinking", work: (on: (share: number) => void) => Promise<void>) {
    if (this.work) return Promise.resolve(false);
    this.added = undefined;
    this.work = { what, share: 0 };
    return this.told.asked(async () => {
      try {
        await work((share) => (this.work = { what, share }));
      } catch (thrown) {
        if (problemOf(thrown).code !== "cancelled") throw thrown;
      } finally {
        this.work = undefined;
        await this.lookUp();
      }
    });
  }
}
