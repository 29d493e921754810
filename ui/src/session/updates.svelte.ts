import type { Backend, UpdatesAbout, UpdateState } from "../backend";
import type { Told } from "./told.svelte";

/** Newer versions of Taki. */
export class Updates {
  /** The version that runs and where newer ones are looked for; undefined until it was looked up. */
  about = $state<UpdatesAbout>();
  state = $state<UpdateState>({ kind: "unknown" });

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  watch = () => this.backend.watchUpdates((state) => (this.state = state));
  lookUp = () => this.told.behind(async () => void (this.about = await this.backend.updatesAbout()));
  look = () => this.told.asked(() => this.backend.lookForUpdate());
  install = () => this.told.asked(() => this.backend.installUpdate());
  stop = () => this.told.asked(() => this.backend.stopUpdate());
}
