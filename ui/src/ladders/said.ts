import type { DraftChoice, Problem } from "../backend";
import type { AddedNow } from "../session/ladders.svelte";
import { fill, shorten, times, type Words } from "../words";

/** From such a share of what its target reads on, a draft hardly makes it faster. */
const MUCH = 0.8;

/** What speaks against a draft that reads nearly as much for each word as its target, or more; empty if nothing does. */
export function readsText({ reads }: Pick<DraftChoice, "reads">, words: Words): string {
  if (reads == null || reads < MUCH) return "";
  return reads < 1 ? fill(words.readsMuch, { n: Math.min(99, Math.round(100 * reads)) }) : words.readsMore;
}

/** Whether trying again can help: what nobody offers comes with no download. */
export const againHelps = ({ code }: Problem) => code !== "made_gone" && code !== "own_gone" && code !== "source_unknown";

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
  const text = { ladder: words.ladderAdded, found: words.ladderFound, used: words.ladderUsed, model: words.modelMade, models: words.modelsMade, modelsSome: words.modelsMadeSome, written: words.exported, changed: words.ladderChanged, back: words.ladderBack, restored: words.ladderRestored, checked: words.checkDone, deleted: words.modelDeleted, filesDeleted: words.filesDeleted }[what];
  return `${fill(text, { name, path: name })} ${doing(added, words)}`.trim();
}

/** Characters that the name of a ladder may have. */
const LONGEST = 80;

/** A name that is made of another one, which is shortened where the whole would be too long. */
export function named(text: string, of: string, n = 1): string {
  const room = LONGEST - [...fill(text, { name: "", n })].length;
  return fill(text, { name: [...of].length > room ? shorten(of, room - 1) : of, n });
}

/** `of`, with a number behind it if that is taken. */
export function freeName(of: string, taken: string[]): string {
  const text = (n: number) => (n === 1 ? "{name}" : "{name} {n}");
  let n = 1;
  while (taken.includes(named(text(n), of, n))) n += 1;
  return named(text(n), of, n);
}

/** What a copy is called beside those that there are; a copy of a copy is one more of the same. */
export function copyName(of: string, taken: string[], words: Words): string {
  const text = (n: number) => (n === 1 ? words.copyOf : words.copyMore);
  const ends = taken.map((_, at) => fill(text(at + 1), { name: "", n: at + 1 }));
  const end = ends.find((end) => of.endsWith(end) && of !== end) ?? "";
  const original = of.slice(0, of.length - end.length);
  let n = 1;
  while (taken.includes(named(text(n), original, n))) n += 1;
  return named(text(n), original, n);
}
