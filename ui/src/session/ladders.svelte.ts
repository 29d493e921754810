import { problemOf, type Backend, type DraftChoice, type LadderCard, type LadderFile, type LadderVersion, type MemoryShare, type ModelCard, type Problem, type RemovedLadder, type Shrunk } from "../backend";
import { size } from "../words";
import type { Chosen } from "./choices.svelte";
import type { Engine } from "./engine.svelte";
import type { Told } from "./told.svelte";

/** Something that takes its time. */
export interface Work {
  what: "adding" | "asking" | "dropping" | "shrinking" | "handing";
  /** The share of it that is done. */
  share: number;
  /** What it is done with, where that is known before. */
  name: string;
  /** What is done one after the other; the last one is comparing them. */
  steps?: { mixes: string[]; at: number; share: number };
}

/** Smaller versions of a model that were made just now. */
export interface Versions extends Shrunk {
  original: ModelCard;
}

/** What came in or was made last. */
export interface AddedNow {
  what: "ladder" | "found" | "used" | "model" | "models" | "modelsSome" | "written" | "changed" | "back" | "restored" | "checked" | "deleted" | "filesDeleted";
  /** Its name, the path of what was written, or how much was deleted. */
  name: string;
  /** Id of the ladder that it is about, if that may be used now. */
  ladder?: string;
  /** Of a model that was made smaller: how often it says the same as its original, and how many times as fast it writes. */
  agreement?: number | null;
  speedup?: number | null;
}

/** Share of making smaller versions that is writing them; the rest is comparing. */
const WRITING = 0.6;

/** The models, and the ladders that a person makes of them. */
export class Ladders {
  models = $state<ModelCard[]>([]);
  /** Those that were removed and can be had back, the latest first. */
  removed = $state<RemovedLadder[]>([]);
  /** What is being read, copied or made smaller. */
  work = $state<Work>();
  added = $state<AddedNow>();
  /** What was made smaller last, to compare and to make a ladder of. */
  made = $state<Versions>();
  /** Called when the system has files for it. */
  handed: () => unknown = () => this.addOpened();
  #later = false;
  #looks = 0;
  #seen = 0;

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly engine: Engine,
    readonly chosen: Chosen,
  ) {}

  lookUp = () =>
    this.told.behind(async () => {
      const look = ++this.#looks;
      const models = await this.backend.models();
      const ladders = await this.backend.ladders();
      const removed = await this.backend.removedLadders();
      // What was asked later knows more, whichever answer comes first.
      if (look < this.#seen) return;
      [this.#seen, this.models, this.engine.ladders, this.removed] = [look, models, ladders, removed];
    });

  named = (id: string) => this.models.find((model) => model.id === id);

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
  make(name: string, models: string[], byText = false) {
    return this.#did({ what: "ladder", name }, () => this.backend.makeLadder(name, models, byText));
  }

  /** True if it is now made of these. */
  change(card: LadderCard, name: string, models: string[], byText = false) {
    return this.#did({ what: "changed", name, ladder: card.id }, () => this.backend.changeLadder(card.id, name, models, byText));
  }

  /** What it was before, the newest first; nothing if that cannot be told. */
  async versions(card: LadderCard): Promise<LadderVersion[]> {
    let versions: LadderVersion[] = [];
    await this.told.asked(async () => void (versions = await this.backend.ladderVersions(card.id)));
    return versions;
  }

  back(card: LadderCard, { version, name }: LadderVersion) {
    return this.#did({ what: "back", name, ladder: card.id }, () => this.backend.backLadder(card.id, version));
  }

  /** True if it is in the list again. */
  restore({ ladder, name }: RemovedLadder) {
    return this.#did({ what: "restored", name, ladder }, async () => {
      await this.backend.restoreLadder(ladder);
      this.told.hadBack("deletedLadder", name);
    });
  }

  /** `work` gives the id of the ladder that came of it, if it is a new one. */
  #did(added: AddedNow, work: () => Promise<string | void>) {
    this.added = undefined;
    return this.told.asked(async () => {
      const ladder = await work();
      // Said when the lists show it.
      await this.lookUp();
      this.added = ladder ? { ...added, ladder } : added;
    });
  }

  /** Asks for a file and takes it in. */
  add() {
    return this.working("adding", async (on) => {
      const added = await this.backend.addFile(on);
      return added ? { what: "ladder", ...added } : undefined;
    });
  }

  /** True if the address leads to a model, which is in the list now. */
  async addAddress(address: string) {
    let found = false;
    const asked = await this.working("asking", async () => {
      const named = await this.backend.addAddress(address);
      found = true;
      return { what: "found", ...named };
    });
    return asked && found;
  }

  /** Takes in what the system wants opened, after what is being done now. */
  addOpened() {
    if (this.work) return void (this.#later = true);
    return this.working("adding", async (on) => {
      const { last, problems } = await this.backend.addOpened(on);
      this.#tell(problems);
      return last ? { what: "ladder", ...last } : undefined;
    });
  }

  watch() {
    return this.backend.watchOpened((waiting) => void (waiting > 0 && this.handed()));
  }

  /** Deletes its file. */
  removeModel({ id, name }: ModelCard) {
    return this.told.asked(async () => {
      await this.backend.removeModel(id);
      await this.lookUp();
      this.added = { what: "deleted", name };
    });
  }

  /** Makes smaller versions of a model, one after the other; what is finished stays, whatever comes after it. */
  shrink(original: ModelCard, mixes: string[]) {
    this.made = undefined;
    const shrink = async (): Promise<AddedNow | undefined> => {
      const shrunk = await this.backend.shrinkModel(original.id, mixes, ({ at, share: part }) => {
        const share = part ?? 0;
        const all = at < mixes.length ? (WRITING * (at + share)) / mixes.length : WRITING + (1 - WRITING) * share;
        this.work = { what: "shrinking", share: all, name: original.name, steps: { mixes, at, share } };
      });
      this.made = { ...shrunk, original };
      const [first] = shrunk.versions;
      if (shrunk.ended && shrunk.ended.code !== "cancelled") this.told.problem = shrunk.ended;
      if (shrunk.versions.length > 1) return { what: shrunk.versions.every(({ drafts }) => drafts) ? "models" : "modelsSome", name: String(shrunk.versions.length) };
      return first && { what: "model", name: first.card.name, agreement: first.agreement, speedup: first.pace && shrunk.pace && first.pace / shrunk.pace };
    };
    return this.working("shrinking", shrink, original.name);
  }

  stop = () => this.told.asked(() => this.backend.stopShrinking());

  /** What can be deleted with it; undefined if that could not be told. */
  async files(card: LadderCard): Promise<LadderFile[] | undefined> {
    let files: LadderFile[] | undefined;
    await this.told.asked(async () => void (files = await this.backend.ladderFiles(card.id)));
    return files;
  }

  /** Makes one of one's own like it, called so. */
  copy(card: LadderCard, name: string) {
    return this.#did({ what: "ladder", name }, () => this.backend.copyLadder(card.id, name));
  }

  /** With these files, which is final; the ladder itself can be had back. */
  remove(card: LadderCard, files: LadderFile[] = []) {
    this.added = undefined;
    return this.told.asked(async () => {
      const { deleted, problems } = await this.backend.removeLadder(
        card.id,
        files.map(({ hash }) => hash),
      );
      const gone = files.filter(({ hash }) => deleted.includes(hash));
      this.#tell(problems);
      await this.lookUp();
      if (gone.length > 0) this.added = { what: "filesDeleted", name: size(gone.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)) };
      this.told.offerUndo("deletedLadder", card.name, async () => {
        await this.backend.restoreLadder(card.id);
        await this.lookUp();
      });
    });
  }

  /** There is one card for what went wrong just now; the others get theirs in the window. */
  #tell([first, ...others]: Problem[]) {
    this.told.problem = first;
    this.told.notices.push(...others);
  }

  /** Asks for a file and writes the recipe to it. */
  export(card: LadderCard) {
    this.added = undefined;
    return this.told.asked(async () => {
      const path = await this.backend.exportLadder(card.id);
      if (path) this.added = { what: "written", name: path };
    });
  }

  /** Asks for a folder and writes the recipe and the model files there. */
  handOver(card: LadderCard) {
    const hand = async (on: (share: number) => void): Promise<AddedNow | undefined> => {
      const path = await this.backend.handOver(card.id, on);
      return path ? { what: "written", name: path } : undefined;
    };
    return this.working("handing", hand, card.name);
  }

  /** Has a ladder answer; what it lacks is fetched first, while the one at hand answers if there is one. */
  async use(card: LadderCard) {
    // What is only offered has to become a known ladder first, even where its files have come with others.
    if (!card.missingBytes && !card.offered) await this.chosen.change({ ladder: card.id });
    else await this.engine.downloads.get(card.id);
    await this.lookUp();
  }

  /** The same of what came in or was made last, and tells it. */
  async useAdded(card: LadderCard) {
    this.added = undefined;
    await this.use(card);
    if (this.chosen.now.ladder === card.id) this.added = { what: "used", name: card.name };
  }

  /** Does one thing at a time that takes long; what came of it is told when the lists show it. */
  working(what: Work["what"], work: (on: (share: number) => void) => Promise<AddedNow | undefined>, name = "") {
    if (this.work) {
      this.told.problem = { code: "models_busy", details: {} };
      return Promise.resolve(false);
    }
    this.added = undefined;
    this.work = { what, share: 0, name };
    return this.told.asked(async () => {
      let added: AddedNow | undefined;
      try {
        added = await work((share) => (this.work = { what, share, name }));
      } catch (thrown) {
        if (problemOf(thrown).code !== "cancelled") throw thrown;
      } finally {
        this.work = undefined;
        await this.lookUp();
        this.added = added;
        if (this.#later) {
          this.#later = false;
          void this.addOpened();
        }
      }
    });
  }
}
