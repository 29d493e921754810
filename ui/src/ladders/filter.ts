import type { LadderCard, ModelCard } from "../backend";
import { size } from "../words";

/** Which ladders and model files are shown. */
export type Filter = "all" | "here" | "fetch" | "own" | "fits";

const here = (card: LadderCard) => !card.missingBytes;

const SHOWS: Record<Filter, (card: LadderCard) => boolean> = {
  all: () => true,
  here,
  fetch: (card) => !here(card) && card.fetchable,
  own: (card) => card.own,
  fits: (card) => card.fits !== "not",
};

/** The same of model files, by the ladders that they are in. */
const SHOWS_MODEL: Record<Filter, (model: ModelCard, of: LadderCard[]) => boolean> = {
  all: () => true,
  here: (model) => model.installed,
  fetch: (model, of) => !model.installed && of.some(({ fetchable }) => fetchable),
  own: (model) => model.own,
  fits: (_, of) => of.length === 0 || of.some(SHOWS.fits),
};

/** As people type it: full-width letters and digits are the same as narrow ones. */
const plain = (text: string) => text.normalize("NFKC").toLowerCase();

/** Letters that words of one script are made of: "phi" is not to be found in "graphics", but 語 in 日本語. */
const LATIN = /^[\p{Script=Latin}\d]/u;

/** Whether all words of a search stand in these texts, those in Latin letters at the beginning of a word. */
function found(texts: string[], query: string): boolean {
  const said = plain(texts.join(" "));
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

/** Ranks as they were when each was first seen: what comes in or goes moves nothing under the mouse. */
export type Ranks = Map<string, number>;


const saidOf = (card: LadderCard) => [card.name, ...card.rungs, ...card.licences, card.about.en, card.about.ja, size(card.bytes ?? 0)];
const saidOfModel = (model: ModelCard) => [model.name, model.file, model.mix, model.architecture, model.licence, size(model.bytes ?? 0)];

/** The ladders to show, in the order to show them in; `ranks` is filled. */
export function shown(cards: LadderCard[], filter: Filter, query: string, ranks: Ranks = new Map()): LadderCard[] {
  // What was made or came in meanwhile stands before all.
  const fresh = ranks.size === 0 ? undefined : -1;
  for (const card of cards) if (!ranks.has(card.id)) ranks.set(card.id, fresh ?? rank(card));
  return cards.filter((card) => SHOWS[filter](card) && found(saidOf(card), query)).sort((a, b) => (ranks.get(a.id) ?? 0) - (ranks.get(b.id) ?? 0));
}

/** The model files to show of those that `cards` are made of and others, the largest first. */
export function shownModels(models: ModelCard[], cards: LadderCard[], filter: Filter, query: string): ModelCard[] {
  const shows = (model: ModelCard) => SHOWS_MODEL[filter](model, cards.filter((card) => card.models.includes(model.id)));
  return models.filter((model) => shows(model) && found(saidOfModel(model), query)).sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
}

/** Tokens a second below which a model is slower than people read; as the catalogue has it. */
export const READING = 8;
