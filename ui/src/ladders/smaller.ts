import type { MixChoice, ModelCard } from "../backend";

/** For a model that writes ahead: among the smallest and quickest that still mostly say what the original says. */
const DRAFT = "Q4_0";
/** For a model that answers: the smallest that does so nearly as well as the original. */
const ALONE = "Q4_K_M";

/** What is recommended to whoever knows nothing of types. */
export interface Advice {
  mix: string;
  /** What speaks for it. */
  why: "draft" | "memory" | "nearest";
  /** The better one for a model that answers by itself, if that is another one. */
  alone?: string;
}

/** Types that a model was made smaller to already, as far as the files are here. */
export function madeAlready({ name }: ModelCard, models: ModelCard[]): string[] {
  return models.filter((other) => other.installed && other.madeFrom === name).map(({ mix }) => mix);
}

/** Which type to begin with; none if the usual ones were made already. */
export function advice(mixes: MixChoice[], made: string[]): Advice | undefined {
  const left = mixes.map(({ name }) => name).filter((name) => !made.includes(name));
  if (left.includes(DRAFT)) return { mix: DRAFT, why: "draft", alone: left.find((name) => name === ALONE) };
  if (left.includes(ALONE)) return { mix: ALONE, why: "memory" };
  // Whoever has a usual one needs no advice to make something between.
  if (made.length > 0) return undefined;
  // They come with the best first.
  return left[0] === undefined ? undefined : { mix: left[0], why: "nearest" };
}
