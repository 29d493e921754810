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

  /** A system without a keyring has none; that is told when one is to be kept. */
  lookUp = async () => void (this.kept = await this.backend.hasToken().catch(() => false));

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
