import type { AddedNow } from "../session/ladders.svelte";
import { fill, times, type Words } from "../words";

/** How well a model that was made smaller does, in words; empty if that was not measured. */
function doing({ agreement, speedup }: AddedNow, words: Words): string {
  const known = { n: Math.round(100 * (agreement ?? 0)), times: times(speedup ?? 1) };
  if (agreement == null && speedup == null) return "";
  if (speedup == null) return fill(words.madeAgrees, known);
  return fill(agreement == null ? words.madeFaster : words.madeBoth, known);
}

/** What came in, was made or was written last, in words. */
export function addedText(added: AddedNow, words: Words): string {
  const { what, name } = added;
  const text = { ladder: words.ladderAdded, model: words.modelMade, models: words.modelsMade, modelsSome: words.modelsMadeSome, written: words.exported, changed: words.ladderChanged, back: words.ladderBack, checked: words.checkDone, deleted: words.modelDeleted, filesDeleted: words.filesDeleted }[what];
  return `${fill(text, { name, path: name })} ${doing(added, words)}`.trim();
}
