import { expect, test } from "vitest";
import { en } from "./en";
import { explain, fill, languageOf, size, waiting } from "./index";
import { ja } from "./ja";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

test("both languages fill in the same values", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(names(String(ja[key])), key).toEqual(names(String(en[key])));
    expect(String(ja[key]).length, key).toBeGreaterThan(0);
  }
});

test("values are filled in once and never read as names", () => {
  expect(fill("{a} and {b}", { a: "{b}", b: "x" })).toBe("{b} and x");
  expect(fill("{missing}", {})).toBe("?");
});

test("the system's language decides only when none is chosen", () => {
  expect(languageOf("system", ["de-CH", "ja-JP", "en"])).toBe("ja");
  expect(languageOf("system", ["en-GB", "ja"])).toBe("en");
  expect(languageOf("system", [])).toBe("en");
  expect(languageOf("en", ["ja"])).toBe("en");
});

test("a problem is a sentence and a next step in both languages", () => {
  const problem = { code: "no_such_ladder" as const, details: { name: "x", known: "a, b" } };
  expect(explain(problem, "en").sentence).toContain("x");
  expect(explain(problem, "en").next).toContain("a, b");
  expect(explain(problem, "ja").sentence).not.toBe(explain(problem, "en").sentence);
});

test("sizes and times read like on a label", () => {
  expect(size(98_362_432)).toBe("98 MB");
  expect(size(1_117_320_768)).toBe("1.1 GB");
  expect(waiting(40.4, en)).toBe("40 s");
  expect(waiting(200, en)).toBe("3 min");
});
