import type { LadderCard } from "../backend";
import { size } from "../words";

/** Which ladders are shown. */
export type Filter = "all" | "here" | "fetch" | "own" | "fits";

const here = (card: LadderCard) => !card.missingBytes;

const SHOWS: Record<Filter, (card: LadderCard) => boolean> = {
  all: () => true,
  here,
  fetch: (card) => !here(card) && card.fetchable,
  own: (card) => card.own,
  fits: (card) => card.fits !== "not",
};

/** As people type it: full-width letters and digits are the same as narrow ones. */
const plain = (text: string) => text.normalize("NFKC").toLowerCase();

/** Letters that words of one script are made of: "phi" is not to be found in "graphics", but 語 in 日本語. */
const LATIN = /^[\p{Script=Latin}\d]/u;

/** Whether all words of a search stand in what a card says, those in Latin letters at the beginning of a word. */
export function found(card: LadderCard, query: string): boolean {
  const said = plain([card.name, ...card.rungs, ...card.licences, card.about.en, card.about.ja, size(card.bytes ?? 0)].join(" "));
  const begins = (at: number): boolean => at >= 0 && (at === 0 || !/[\p{Script=Latin}]/u.test(said[at - 1] ?? ""));
  const stands = (word: string, from = 0): boolean => {
    const at = said.indexOf(word, from);
    return at >= 0 && (!LATIN.test(word) || begins(at) || stands(word, at + 1));
  };
  return plain(query)
    .split(/\s+/)
    .every((word) => stands(word));
}

/** What is here comes first, then what is recommended, then the rest; else in the order that they have. */
const rank = (card: LadderCard) => (here(card) ? 0 : card.suggested ? 1 : 2);

/** The ladders to show, in the order to show them in. */
export function shown(cards: LadderCard[], filter: Filter, query: string): LadderCard[] {
  return cards.filter((card) => SHOWS[filter](card) && found(card, query)).sort((a, b) => rank(a) - rank(b));
}

/** Tokens a second below which a model is slower than people read; as the catalogue has it. */
export const READING = 8;
