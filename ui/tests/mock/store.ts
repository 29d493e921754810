// As much of a store as the window needs to be tried: conversations that can be listed, changed, deleted and had back.
import type { Conversation, ConversationCard } from "../../src/backend";

export const blank = (id: number): Conversation => ({ id, title: "", pinned: false, messages: [], unsent: "", system: "", leftOut: 0, summary: "", attached: [], place: null });

export class Store {
  #all = new Map<number, Conversation>();
  #at = new Map<number, number>();
  #deleted = new Set<number>();

  put(conversation: Conversation, atMs = Date.now()) {
    this.#all.set(conversation.id, conversation);
    if (!this.#at.has(conversation.id)) this.#at.set(conversation.id, atMs);
  }

  get(id: number): Conversation {
    const conversation = this.#all.get(id);
    if (!conversation) throw { code: "gone", details: {} };
    return structuredClone(conversation);
  }

  change(id: number, change: Partial<Conversation>) {
    this.put({ ...this.get(id), ...change });
  }

  create(): Conversation {
    const id = Math.max(0, ...this.#all.keys()) + 1;
    this.put(blank(id));
    return this.get(id);
  }

  delete(id: number) {
    this.#deleted.add(id);
  }

  restore(id: number): Conversation {
    this.#deleted.delete(id);
    return this.get(id);
  }

  cards(): ConversationCard[] {
    return [...this.#all.values()]
      .filter(({ id }) => !this.#deleted.has(id))
      .map(({ id, title, pinned, messages }) => ({ id, title, pinned, atMs: this.#at.get(id) ?? 0, messages: messages.length }))
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.atMs - a.atMs || b.id - a.id);
  }

  /** A message without its followers. */
  without(message: number): Conversation {
    const found = [...this.#all.values()].find(({ messages }) => messages.some(({ id }) => id === message));
    if (!found) throw { code: "gone", details: {} };
    const whole = this.get(found.id);
    return { ...whole, messages: whole.messages.slice(0, whole.messages.findIndex(({ id }) => id === message)) };
  }

  holding(message: number): Conversation {
    const found = [...this.#all.values()].find(({ messages }) => messages.some(({ id, versions }) => id === message || versions.includes(message)));
    if (!found) throw { code: "gone", details: {} };
    return this.get(found.id);
  }
}
