import type { Backend, EarlierChats } from "../backend";
import type { Told } from "./told.svelte";

/** How much of earlier chats the speed-up may copy from. */
export class Earlier {
  /** Undefined until it was looked up. */
  now = $state<EarlierChats>();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  lookUp = () => this.told.behind(async () => void (this.now = await this.backend.earlierChats()));
  erase = () => this.told.asked(async () => void (this.now = await this.backend.eraseEarlierChats()));
}
