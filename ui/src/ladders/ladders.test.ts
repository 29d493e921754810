import { expect, test } from "vitest";
import type { Problem } from "../backend";
import { card, model } from "../session/written";
import { pace } from "../words";
import { en } from "../words/en";
import { ja } from "../words/ja";
import { shown, shownModels, type Filter } from "./filter";
import { addedText, againHelps, copyName, named, readsText } from "./said";
import { advice, madeAlready } from "./smaller";

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
  const found = (query: string) => shown(cards.slice(3), "all", query).length;
  for (const query of ["", " ", "small", "ｓｍａｌｌ prose", "カナ", "文章", "98 mb", "mit max-gram"]) expect(found(query), query).toBe(1);
  for (const query of ["small large", "apache", "rose", "gram x"]) expect(found(query), query).toBe(0);
});

test("model files are filtered by the ladders that they are in, the largest first", () => {
  const shelf = [
    model({ id: "a", name: "Fetched", bytes: 5 }),
    model({ id: "b", name: "On offer", installed: false, bytes: 7 }),
    model({ id: "c", name: "Lost", installed: false, own: true, bytes: 3 }),
    model({ id: "d", name: "Made smaller", own: true, madeFrom: "Fetched", mix: "Q2_K", bytes: 2 }),
  ];
  const of = [card({ id: "1", models: ["a"], own: false }), card({ id: "2", models: ["b", "a"], own: false, fits: "not" }), card({ id: "3", models: ["c"], fetchable: false })];
  const ids = (filter: Filter, query = "") => shownModels(shelf, of, filter, query).map(({ id }) => id);
  expect(ids("all")).toEqual(["b", "a", "c", "d"]);
  expect(ids("here")).toEqual(["a", "d"]);
  expect(ids("fetch")).toEqual(["b"]);
  expect(ids("own")).toEqual(["c", "d"]);
  expect(ids("fits"), "in one ladder at least").toEqual(["a", "c", "d"]);
  expect(ids("all", "q2_k smaller")).toEqual(["d"]);
});

test("copies are numbered, and a name that would be too long is shortened", () => {
  const taken = ["A", "A (copy)", "A (copy 2)"];
  expect(copyName("A", ["A"], en)).toBe("A (copy)");
  expect(copyName("A", taken, en)).toBe("A (copy 3)");
  expect(copyName("A (copy 2)", taken, en), "not a copy of a copy").toBe("A (copy 3)");
  const long = "𠮷".repeat(80);
  const first = copyName(long, [long], ja);
  expect([[...first].length, first.slice(-6)]).toEqual([80, "…（コピー）"]);
  expect([...copyName(long, [long, first], ja)].length).toBeLessThanOrEqual(80);
  expect(copyName(first, [long, first], ja)).toMatch(/…（コピー 2）$/);
  const fits = "b".repeat(80 - " (copy)".length);
  expect(named(en.copyOf, fits), "no shorter than it must be").toBe(`${fits} (copy)`);
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

test("a draft that reads nearly as much as its target is warned of, and one that reads more", () => {
  const said = (reads: number | null) => readsText({ reads }, en);
  expect([said(null), said(0), said(0.79)]).toEqual(["", "", ""]);
  expect(said(0.8)).toContain("80%");
  expect(said(0.999), "not yet as much").toContain("99%");
  expect([said(1), said(3)]).toEqual([en.readsMore, en.readsMore]);
});

test("one type is recommended among those that were not made yet", () => {
  const mixes = ["Q8_0", "Q4_K_M", "Q4_0", "Q2_K"].map((name) => ({ name, bytes: 1 }));
  expect(advice(mixes, [])).toEqual({ mix: "Q4_0", why: "draft", alone: "Q4_K_M" });
  expect(advice(mixes, ["Q4_K_M"])).toEqual({ mix: "Q4_0", why: "draft" });
  expect(advice(mixes, ["Q4_0"])).toEqual({ mix: "Q4_K_M", why: "memory" });
  expect(advice(mixes.slice(3), [])).toEqual({ mix: "Q2_K", why: "nearest" });
  expect(advice(mixes.slice(3), ["Q2_K"])).toBeUndefined();
  expect(advice(mixes, ["Q4_0", "Q4_K_M"]), "nothing between them").toBeUndefined();
  const of = (madeFrom: string | null, mix: string, installed = true) => model({ madeFrom, mix, installed });
  expect(madeAlready(model({ name: "A" }), [of("A", "Q2_K"), of("B", "Q4_0"), of(null, "Q8_0"), of("A", "Q4_K_M", false)])).toEqual(["Q2_K"]);
});

test("only what could come is tried again", () => {
  const helps = (code: Problem["code"]) => againHelps({ code, details: {} });
  expect([helps("download_failed"), helps("own_gone"), helps("made_gone"), helps("source_unknown")]).toEqual([true, false, false, false]);
});
