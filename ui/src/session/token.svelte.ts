import type { Backend } from "../backend";
import type { Told } from "./told.svelte";

/** The token of the model repository. The system's keyring has it; the window only knows whether there is one. */
export class Token {
  /** Undefined until it was looked up. */
  kept = $state<boolean>();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  lookUp = () => this.told.behind(async () => void (this.kept = await this.backend.hasToken()));

  /** True if it is kept now. */
  set(token: string) {
    return this.told.asked(async () => {
      await this.backend.setToken(token);
      this.kept = true;
    });
  }

  remove = () =>
    this.told.asked(async () => {
      await this.backend.removeToken();
      this.kept = false;
    });
}
