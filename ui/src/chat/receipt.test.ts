import { expect, test } from "vitest";
import type { Receipt } from "../backend";
import { en } from "../words/en";
import { ja } from "../words/ja";
import { acceptance, pieces, receiptFacts, receiptLine, shares, style } from "./receipt";

const receipt: Receipt = {
  seconds: 4.12,
  first_token_seconds: 0.2314,
  tokens: 96,
  prompt_tokens: 40,
  reused_tokens: 12,
  target_passes: 30,
  tokens_per_pass: 3.2,
  rungs: [],
  alone_seconds: null,
  speed_up: null,
  cascade: true,
  stood_aside: null,
  exact: true,
  seed: 7,
  finish: "end",
  restarts: 0,
  left_out: [],
};

test("a receipt is time first", () => {
  expect(receiptLine(receipt, en)).toBe("4.1 s");
  expect(receiptLine({ ...receipt, alone_seconds: 11.96 }, en)).toBe("4.1 s instead of about 12.0 s");
  expect(receiptLine({ ...receipt, alone_seconds: 11.96 }, ja)).toContain("約 12.0 秒かかるところを 4.1 秒");
});

test("no gain is claimed within the noise or without the cascade", () => {
  expect(receiptLine({ ...receipt, alone_seconds: 4.4 }, en)).not.toContain("instead");
  expect(receiptLine({ ...receipt, alone_seconds: 12, cascade: false }, en)).toBe("4.1 s");
});

test("an answer that did not end by itself says why", () => {
  expect(receiptLine({ ...receipt, finish: "stopped" }, en)).toMatch(/ · stopped$/);
  expect(receiptLine({ ...receipt, finish: "length" }, en)).toMatch(/ · length limit reached$/);
  expect(receiptLine({ ...receipt, finish: "context_full" }, ja)).toMatch(/会話の長さの上限に到達$/);
});

test("figures that could not be measured do not break the receipt", () => {
  const empty = { ...receipt, seconds: null, first_token_seconds: null, tokens_per_pass: null, target_passes: 0 };
  expect(receiptLine(empty, en)).toBe("0.0 s");
  expect(Object.fromEntries(receiptFacts(empty, en))["First word after"]).toBe("0 ms");
});

test("the details name every figure, and what went wrong only if something did", () => {
  const facts = Object.fromEntries(receiptFacts(receipt, en));
  expect(facts).toEqual({
    Tokens: "96",
    Speed: "24.4 tokens a second",
    "Passes of the target": "30",
    "Tokens per pass": "3.20",
    "First word after": "231 ms",
    "Tokens read": "40, 12 of them still in memory",
    "Exact mode": "yes",
    Seed: "7",
  });
  const bad = Object.fromEntries(receiptFacts({ ...receipt, restarts: 2, left_out: ["A", "B"], stood_aside: "rungs_failed" }, en));
  expect(bad).toMatchObject({ "Restarts of the engine": "2", "Left out": "A, B", "No speed-up, because": "its models failed" });
});

test("who wrote how much adds up to the whole answer, and who wrote nothing is not named", () => {
  const rung = (name: string, role: "target" | "draft" | "max_gram", proposed: number, accepted: number) => ({ name, role, proposed, accepted, passes: 0, seconds: 0 });
  const rungs = [rung("T", "target", 30, 30), rung("D", "draft", 80, 60), rung("E", "draft", 5, 0), rung("M", "max_gram", 0, 0)];
  expect(shares({ ...receipt, rungs })).toEqual([
    { name: "T", role: "target", tokens: 30, share: 1 / 3 },
    { name: "D", role: "draft", tokens: 60, share: 2 / 3 },
  ]);
  expect(rungs.map((rung) => acceptance(rung, 0))).toEqual(["–", "75%", "0%", "–"]);
  expect(rungs.map((rung) => acceptance(rung, 1)), "what was tried in vain before is not known").toEqual(["–", "–", "–", "–"]);
  expect(shares(receipt), "an old receipt without rungs").toEqual([]);
});

test("who wrote which words is told of a text that is known as a whole", () => {
  const rung = { proposed: 1, accepted: 1, passes: 1, seconds: 1 };
  const rungs: Receipt["rungs"] = [
    { name: "T", role: "target", ...rung },
    { name: "A", role: "draft", ...rung },
    { name: "B", role: "draft", ...rung },
    { name: "Max-Gram", role: "max_gram", ...rung },
  ];
  const known: Receipt = { ...receipt, rungs, written: [[0, 2], [3, 0], [1, 1], [3, 2]] };
  expect(pieces("滝👩is", known)).toBeUndefined();
  expect(pieces("滝👩 is", known)?.map(({ text, name }) => [text, name])).toEqual([
    ["滝👩", "T"],
    [" ", "A"],
    ["is", "Max-Gram"],
  ]);
  expect(pieces("any", receipt)).toBeUndefined();
  expect(rungs.map(({ role }, place) => style(role, place))).toEqual(["target", "draft-a", "draft-b", "max-gram"]);
});
