import type { Downloads } from "../session/downloads.svelte";
import type { Told } from "../session/told.svelte";
import { count, fill, type Language, type Words } from "../words";

/** What came of downloads, and which one has begun; empty if nothing happened yet. */
export const downloadSaid = ({ said }: Downloads, words: Words): string => said.map(({ what, name }) => fill(words[what], { name })).join(" ");

/** Where conversations went to, or how many came in; undefined if none did. */
export function movedText({ moved }: Told, words: Words, language: Language): string | undefined {
  if (moved?.what === "exported") return fill(words.exported, { path: moved.path });
  if (!moved) return;
  const added = count(words.imported, moved.added, language);
  return moved.known > 0 ? `${added} ${count(words.importedKnown, moved.known, language)}` : added;
}
