import { expect, test } from "vitest";
import { card } from "../session/written";
import { pace } from "../words";
import { en } from "../words/en";
import { ja } from "../words/ja";
import { found, shown, type Filter } from "./filter";
import { addedText } from "./said";

const cards = [
  card({ id: "offered", name: "Large", own: false, offered: true, missingBytes: 9, fits: "not", licences: ["MIT"] }),
  card({ id: "suggested", name: "Middle", own: false, offered: true, missingBytes: 9, fits: "tight", suggested: true }),
  card({ id: "lost", name: "Lost", missingBytes: 9, fetchable: false }),
  card({ id: "here", name: "Small ｶﾅ", own: false, about: { en: "Writes prose.", ja: "文章向け。" }, bytes: 98_362_432 }),
];

test("each filter shows its own: what is here first, then what is recommended", () => {
  const ids = (filter: Filter, query = "") => shown(cards, filter, query).map(({ id }) => id);
  expect(ids("all")).toEqual(["here", "suggested", "offered", "lost"]);
  expect(ids("here")).toEqual(["here"]);
  expect(ids("fetch")).toEqual(["suggested", "offered"]);
  expect(ids("own")).toEqual(["lost"]);
  expect(ids("fits")).toEqual(["here", "suggested", "lost"]);
  expect(ids("fetch", "large")).toEqual(["offered"]);
});

test("all words of a search count, in any language and width", () => {
  const [, , , here] = cards;
  for (const query of ["", " ", "small", "ｓｍａｌｌ prose", "カナ", "文章", "98 mb", "mit max-gram"]) expect(found(here!, query), query).toBe(true);
  for (const query of ["small large", "apache", "rose", "gram x"]) expect(found(here!, query), query).toBe(false);
});

test("the pace is in words, or in characters where words are not spaced", () => {
  expect(pace(16, en, "en")).toBe("about 12 words a second");
  expect(pace(1.4, en, "en")).toBe("about 1 word a second");
  expect(pace(1, en, "en")).toBe("less than one word a second");
  expect(pace(20, ja, "ja")).toBe("1 秒に約 12 文字");
});

test("what was made smaller says how good it is, as far as that was measured", () => {
  const said = (agreement: number | null, speedup: number | null) => addedText({ what: "model", name: "S", agreement, speedup }, en);
  expect(said(0.94, 1.4)).toBe("S was made. It can draft in a ladder now. It says the same word as the original 94 times in 100 and writes 1.4 times as fast.");
  expect(said(0.94, null)).toContain("94 times in 100.");
  expect(said(null, 1.4)).toContain("writes 1.4 times as fast as the original.");
  expect(said(null, null)).toBe("S was made. It can draft in a ladder now.");
});
