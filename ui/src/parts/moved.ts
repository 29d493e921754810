import type { Told } from "../session/told.svelte";
import { count, fill, type Language, type Words } from "../words";

/** Where conversations went to, or how many came in; undefined if none did. */
export function movedText({ moved }: Told, words: Words, language: Language): string | undefined {
  if (moved?.what === "exported") return fill(words.exported, { path: moved.path });
  return moved && count(words.imported, moved.count, language);
}
