import type { Backend, ConversationCard, ExportFormat } from "../backend";
import { grouped } from "../grouped";
import type { Told } from "./told.svelte";

export type Age = "pinned" | "today" | "yesterday" | "earlier";

/** Which part of the list a conversation belongs to. `now` in milliseconds since 1970, days as the clock on the wall has them. */
export function ageOf(card: ConversationCard, now: number): Age {
  if (card.pinned) return "pinned";
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const at = card.atMs ?? 0;
  if (at >= midnight) return "today";
  // Noon of the day before is in it, also where a clock change makes that day 23 or 25 hours long.
  return at >= new Date(midnight - 43_200_000).setHours(0, 0, 0, 0) ? "yesterday" : "earlier";
}

/** The conversations that are kept, and what can be done with one without opening it. */
export class Conversations {
  /** Pinned first, then latest first. */
  cards = $state<ConversationCard[]>([]);

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  card = (id: number) => this.cards.find((card) => card.id === id);

  groups(now: number): { age: Age; cards: ConversationCard[] }[] {
    return grouped(this.cards, (card) => ageOf(card, now)).map(([age, cards]) => ({ age, cards }));
  }

  refresh() {
    return this.told.behind(async () => void (this.cards = await this.backend.listConversations()));
  }

  /** An empty title is taken as none: the old one stays. */
  rename(id: number, title: string) {
    const name = title.trim();
    if (!name || name === this.card(id)?.title) return Promise.resolve(false);
    return this.told.asked(async () => {
      await this.backend.renameConversation(id, name);
      this.cards = await this.backend.listConversations();
    });
  }

  pin(id: number, pinned: boolean) {
    return this.told.asked(async () => {
      await this.backend.pinConversation(id, pinned);
      this.cards = await this.backend.listConversations();
    });
  }

  /** All of them if none is named. */
  export(ids: number[], format: ExportFormat) {
    return this.told.asked(async () => {
      const path = await this.backend.exportConversations(ids, format);
      if (path !== null) this.#moved({ what: "exported", path });
    });
  }

  import() {
    return this.told.asked(async () => {
      const imported = await this.backend.importConversations();
      if (!imported) return;
      this.cards = await this.backend.listConversations();
      this.#moved({ what: "imported", ...imported });
    });
  }

  #moved(moved: NonNullable<Told["moved"]>) {
    this.told.settle();
    this.told.moved = moved;
    this.told.resume();
  }
}
