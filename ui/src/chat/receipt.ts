import type { Receipt, RungReceipt } from "../backend";
import { fill, whyOff, type Words } from "../words";

/** Less faster than this is noise, and no claim is made of it. */
export const CLAIM = 1.1;

export const tenths = (value: number | null) => (value ?? 0).toFixed(1);

/** What an answer took, in one line. */
export function receiptLine(receipt: Receipt, words: Words): string {
  const took = receipt.seconds ?? 0;
  const alone = receipt.alone_seconds;
  const faster = receipt.cascade && alone !== null && alone > took * CLAIM;
  const time = fill(faster ? words.receiptInstead : words.receiptTime, { seconds: tenths(took), alone: tenths(alone) });
  return [time, finish(receipt, words)].filter(Boolean).join(" · ");
}

/** Why the answer ended, where that is worth a word. */
function finish(receipt: Receipt, words: Words): string {
  switch (receipt.finish) {
    case "end":
      return "";
    case "stopped":
      return words.finishStopped;
    case "length":
      return words.finishLength;
    case "context_full":
      return words.finishContextFull;
    case "repeats":
      return words.finishRepeats;
    case "nothing_allowed":
      return words.finishNothingAllowed;
  }
}

/** One rung's part of an answer. */
export interface Share {
  name: string;
  role: RungReceipt["role"];
  /** Tokens of the answer that are its own. */
  tokens: number;
  /** Of the whole answer, 0 to 1. */
  share: number;
}

/** Who wrote how much of an answer: the rungs that wrote anything, from the target down. */
export function shares(receipt: Receipt): Share[] {
  const all = receipt.rungs.reduce((sum, rung) => sum + rung.accepted, 0);
  return receipt.rungs.filter((rung) => rung.accepted > 0).map(({ name, role, accepted }) => ({ name, role, tokens: accepted, share: accepted / all }));
}

/** A piece of an answer with the rung that wrote it. */
export interface Piece {
  text: string;
  rung: number;
  name: string;
  role: RungReceipt["role"];
}

/** How what a rung wrote is marked: neighbouring drafts in two ways. */
export function style(role: RungReceipt["role"], place: number): "target" | "draft-a" | "draft-b" | "max-gram" {
  if (role === "target") return "target";
  return role === "max_gram" ? "max-gram" : place % 2 ? "draft-a" : "draft-b";
}

/** Who wrote which words, where that is known of the whole text. */
export function pieces(text: string, receipt: Receipt): Piece[] | undefined {
  const characters = [...text];
  const written = receipt.written ?? [];
  const known = written.reduce((sum, [, length]) => sum + length, 0);
  if (characters.length === 0 || known !== characters.length) return;
  let at = 0;
  const cut = written.map(([rung, length]) => {
    const { name, role } = receipt.rungs[rung] ?? { name: "", role: "target" };
    return { text: characters.slice(at, (at += length)).join(""), rung, name, role };
  });
  return cut.filter((piece) => piece.text !== "");
}

/** How much of what a rung proposed stands in the answer; a dash where it proposed nothing or has nobody to please. */
export function acceptance(rung: RungReceipt, restarts: number): string {
  // What a worker that ended had tried in vain nobody knows.
  return rung.role === "target" || rung.proposed === 0 || restarts > 0 ? "–" : `${Math.round((rung.accepted / rung.proposed) * 100)}%`;
}

/** Tokens a second behind the first one; of an answer in several goes that is not known. */
function written(receipt: Receipt, words: Words): string {
  const seconds = (receipt.seconds ?? 0) - (receipt.first_token_seconds ?? 0);
  if (receipt.continued || receipt.tokens < 2 || seconds <= 0) return "–";
  return fill(words.tokensASecond, { n: ((receipt.tokens - 1) / seconds).toFixed(1) });
}

/** The figures behind the line: what each is, and its value. */
export function receiptFacts(receipt: Receipt, words: Words): [name: string, value: string][] {
  const facts: [string, string][] = [
    [words.factTokens, String(receipt.tokens)],
    [words.factPace, written(receipt, words)],
    [words.factTargetPasses, String(receipt.target_passes)],
    [words.factPerPass, receipt.target_passes > 0 ? (receipt.tokens_per_pass ?? 0).toFixed(2) : "–"],
    [words.factFirst, fill(words.milliseconds, { n: Math.round((receipt.first_token_seconds ?? 0) * 1000) })],
    [words.factPrompt, fill(words.promptTokens, { tokens: receipt.prompt_tokens, reused: receipt.reused_tokens })],
    [words.factExact, receipt.exact ? words.yes : words.no],
    [words.factSeed, String(receipt.seed)],
  ];
  const why = whyOff(receipt.stood_aside, words);
  if (why) facts.push([words.factStoodAside, why]);
  if (receipt.restarts > 0) facts.push([words.factRestarts, String(receipt.restarts)]);
  if (receipt.left_out.length > 0) facts.push([words.factLeftOut, receipt.left_out.join(", ")]);
  return facts;
}
