import type { Backend, Choices, Preset } from "../backend";
import type { Told } from "./told.svelte";

const EMPTY: Choices = { ladder: "", speedUp: true, policy: "adaptive", exact: false, threads: null, context: null, cache: "f16", gpuLayers: null, workers: [], earlierChats: true, notify: true, background: false, language: "system", theme: "system", presets: [], source: "", mirror: "", proxy: "", updates: "", updatesDaily: false, zoom: 1, sidebar: true };

/** Steps of the zoom, as browsers have them. */
const ZOOMS = [0.5, 0.67, 0.75, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];

/** The user's choices as they are kept. */
export class Chosen {
  now = $state<Choices>(EMPTY);
  /** Whether the folder that models come from is not there now: a stick that is not plugged in. */
  sourceMissing = $state(false);

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  #changing: Promise<boolean> = Promise.resolve(true);

  /** One after the other: each begins with what the one before has left. Without a ladder the one in use stays, which may just have changed. */
  change(change: Partial<Choices>) {
    this.#changing = this.#changing.then(() =>
      this.told.asked(async () => void (this.now = await this.backend.changeSettings({ ...$state.snapshot(this.now), ladder: "", ...change }))),
    );
    return this.#changing;
  }

  zoomIn = () => this.#zoom(ZOOMS.find((step) => step > this.now.zoom + 0.005));
  zoomOut = () => this.#zoom(ZOOMS.findLast((step) => step < this.now.zoom - 0.005));
  zoomBack = () => this.#zoom(1);

  async #zoom(zoom: number | undefined) {
    if (zoom !== undefined && zoom !== this.now.zoom) await this.change({ zoom });
  }

  toggleSidebar = () => this.change({ sidebar: !this.now.sidebar });

  lookForSource = () => this.told.behind(async () => void (this.sourceMissing = await this.backend.sourceMissing()));

  /** Asks for the folder that models are to come from. */
  async chooseSource() {
    let source: string | null = null;
    await this.told.asked(async () => void (source = await this.backend.chooseSource()));
    if (source !== null) await this.setSource(source);
  }

  /** An empty one is none. True if it is kept. */
  async setSource(source: string) {
    const done = await this.change({ source });
    await this.lookForSource();
    return done;
  }

  keepPreset(index: number, preset: Preset) {
    const presets = $state.snapshot(this.now.presets);
    presets[index] = preset;
    return this.change({ presets });
  }

  dropPreset(index: number) {
    return this.change({ presets: $state.snapshot(this.now.presets).filter((_, at) => at !== index) });
  }
}
