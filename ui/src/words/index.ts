import problemsEn from "$problems/problems.en.json";
import problemsJa from "$problems/problems.ja.json";
import type { Problem, StoodAside, UiLanguage } from "../backend";
import { en, type Words } from "./en";
import { ja } from "./ja";

export type { Words };
export type Language = "en" | "ja";

/** The language to show: the chosen one, or the system's. */
export function languageOf(chosen: UiLanguage, system: readonly string[]): Language {
  if (chosen !== "system") return chosen;
  return system.find((tag) => /^(ja|en)\b/i.test(tag))?.toLowerCase().startsWith("ja") ? "ja" : "en";
}

export function wordsOf(language: Language): Words {
  return language === "ja" ? ja : en;
}

/** Puts values in the place of `{names}`, in one pass: braces in a value are never names. */
export function fill(text: string, values: Record<string, string | number | undefined>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? "?"));
}

type ProblemWords = Record<string, { sentence: string; next: string }>;

/** What is wrong and what to do, in words. */
export function explain(problem: Problem, language: Language): { sentence: string; next: string; both: string } {
  const catalogue: ProblemWords = language === "ja" ? problemsJa : problemsEn;
  const words = catalogue[problem.code];
  if (!words) return { sentence: problem.code, next: "", both: problem.code };
  // As a library says it only where nobody knows it in this language.
  const details = { ...problem.details, reason: problem.details[`reason_${language}`] ?? problem.details.reason };
  const [sentence, next] = [fill(words.sentence, details), fill(words.next, details)];
  // Japanese has no space between sentences.
  return { sentence, next, both: sentence + (language === "ja" ? "" : " ") + next };
}

/** Why nothing was drafted, to put behind "because"; undefined if it was. */
export function whyOff(reason: StoodAside | null | undefined, words: Words): string | undefined {
  switch (reason) {
    case "switched_off":
      return words.whySwitchedOff;
    case "not_worth_it":
      return words.whyNotWorthIt;
    case "nothing_to_copy":
      return words.whyNothingToCopy;
    case "rungs_failed":
      return words.whyRungsFailed;
    case "cannot_roll_back":
      return words.whyCannotRollBack;
  }
}

/** A size as on a label: `98 MB`, `1.1 GB`. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.length) {
    bytes /= 1000;
    unit += 1;
  }
  return `${bytes.toFixed(unit > 0 && bytes < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** A waiting time: `40 s`, `3 min`. */
export function waiting(seconds: number, words: Words): string {
  return seconds < 90 ? fill(words.seconds, { n: Math.round(seconds) }) : fill(words.minutes, { n: Math.round(seconds / 60) });
}

/** Bytes a second of a connection of 50 Mbit/s: what many offices and homes have. */
const ORDINARY = 50e6 / 8;

/** How long so many bytes take to come in; how fast the connection is shows only then: `about 3 min at 50 Mbit/s`. */
export const fetchTime = (bytes: number, words: Words) => fill(words.fetchTimeOf, { time: waiting(Math.max(1, bytes / ORDINARY), words) });

/** About how many words (in Japanese, characters) a token is. */
const WORDS_PER_TOKEN = { en: 0.75, ja: 0.6 };

/** How fast something writes, of tokens a second: `about 12 words a second`. */
export function pace(tokens: number, words: Words, language: Language): string {
  const n = tokens * WORDS_PER_TOKEN[language];
  return n < 1 ? words.paceSlow : count(words.paceOf, Math.round(n), language);
}

/** How many times as fast: `1.4`. */
export const times = (ratio: number) => ratio.toFixed(1);

/** A text that depends on a number: its forms stand in the order of the language's plural rules, separated by `|`. */
export function count(text: string, n: number, language: Language): string {
  const forms = text.split("|");
  const rules = new Intl.PluralRules(language);
  const form = forms[rules.resolvedOptions().pluralCategories.indexOf(rules.select(n))] ?? forms[0] ?? "";
  return fill(form, { n: number(n, language) });
}

/** A number as people write it: `12,345`. */
export const number = (n: number, language: Language) => n.toLocaleString(language);

/** A day: `Nov 2, 2026`, `2026/11/02`. */
export const day = (atMs: number, language: Language) => new Date(atMs).toLocaleDateString(language, { dateStyle: "medium" });

/** A day with the time of day. */
export const moment = (atMs: number, language: Language) => new Date(atMs).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

/** Names as they are listed in a sentence. */
export const list = (names: string[], language: Language) => new Intl.ListFormat(language, { type: "conjunction" }).format(names);

/** The first words of a text, on one line. No character is cut in two. */
export function shorten(text: string, length: number): string {
  const line = [...text.replace(/\s+/g, " ").trim()];
  return line.length > length ? `${line.slice(0, length).join("").trimEnd()}…` : line.join("");
}
