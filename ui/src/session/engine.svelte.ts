import type { Backend, EngineState, LadderCard, Opened } from "../backend";
import type { Downloads } from "./downloads.svelte";
import type { Told } from "./told.svelte";

/** The ladders, and what the engine is doing with one of them. */
export class Engine {
  state = $state<EngineState>({ kind: "empty" });
  ladders = $state<LadderCard[]>([]);
  /** Names of graphics cards and the like, once somebody has looked. */
  devices = $state<string[]>([]);
  /** Whether somebody has. */
  looked = $state(false);
  /** Called with the ladder that is used from now on, whoever chose it: the app does so itself when one was fetched. */
  chose: (ladder: string) => void = () => undefined;
  /** Called when it can answer. */
  settled: () => void = () => undefined;

  constructor(
    readonly backend: Backend,
    readonly told: Told,
    readonly downloads: Downloads,
  ) {}

  ready = $derived(this.state.kind === "ready");
  /** It will be able to answer without anyone doing anything. */
  coming = $derived.by(() => this.state.kind === "loading" || (!this.ready && this.downloads.coming));
  /** Context length in tokens. */
  context = $derived(this.state.kind === "ready" ? this.state.loaded.context : undefined);
  /** Nothing can be used yet: the first start. */
  bare = $derived(this.ladders.length > 0 && this.ladders.every((card) => (card.missingBytes ?? 0) > 0));

  take(opening: Opened) {
    this.ladders = opening.ladders;
    this.state = opening.engine;
  }

  async watch() {
    await this.backend.watchEngine((state) => void this.#changed(state));
    await this.downloads.watch();
  }

  async #changed(state: EngineState) {
    this.state = state;
    const ladder = state.kind === "ready" ? state.loaded.ladder : "ladder" in state ? state.ladder : undefined;
    if (ladder !== undefined) this.chose(ladder);
    // What was missing is there.
    if (state.kind === "ready" && this.told.problem?.code === "nothing_loaded") this.told.problem = undefined;
    if (this.ready) this.settled();
    // What is installed may have changed.
    if (state.kind === "failed") await this.told.behind(async () => void (this.ladders = await this.backend.ladders()));
  }

  /** What fits and what is suggested may be more with a card. */
  async look() {
    const found = await this.backend.devices().catch(() => null);
    // Whoever cannot look now knows no better than whoever looked before.
    if (found === null) return;
    [this.devices, this.looked] = [found, true];
    if (this.devices.length > 0) await this.told.behind(async () => void (this.ladders = await this.backend.ladders()));
  }

  load(ladder: string) {
    return this.told.asked(() => this.backend.loadLadder(ladder));
  }
}
