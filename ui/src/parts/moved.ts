import type { Told } from "../session/told.svelte";
import { count, fill, type Language, type Words } from "../words";

/** Where conversations went to, or how many came in; undefined if none did. */
export function movedText({ moved }: Told, words: Words, language: Language): string | undefined {
  if (moved?.what === "exported") return fill(words.exported, { path: moved.path });
  if (!moved) return;
  const added = count(words.imported, moved.added, language);
  return moved.known > 0 ? `${added} ${count(words.importedKnown, moved.known, language)}` : added;
}
