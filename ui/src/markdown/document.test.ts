import { expect, test } from "vitest";
import { payloads } from "../../tests/payloads";
import { documents, pieces } from "./corpus";
import { GrowingDocument, LONGEST, MOST_NODES, type Piece } from "./document";
import { read } from "./grammar";
import type { Block } from "./nodes";
import { tree } from "./tree";

const whole = (text: string) => new GrowingDocument().update(text, false);
const nodes = (list: Piece[]) => list.flatMap((piece) => piece.nodes);
/** What the parser makes of the text in one go. */
const reference = (text: string): Block[] | undefined => tree(read(text, { references: Object.create(null) as Record<string, never> }));

test("a text read in blocks is what the parser makes of the whole", () => {
  for (const text of documents) expect(nodes(whole(text)), text).toEqual(reference(text));
});

test("a text that comes character by character is in the end what it is as a whole", () => {
  for (const text of documents) {
    const document = new GrowingDocument();
    for (let end = 0; end <= text.length; end++) document.update(text.slice(0, end), true);
    expect(nodes(document.update(text, false)), text).toEqual(reference(text));
  }
});

/** Every address in what was read. */
function addresses(node: unknown, found: string[] = []): string[] {
  if (node !== null && typeof node === "object") {
    const { kind, address, data } = node as { kind?: string; address?: string; data?: string };
    if (kind === "link" && address !== undefined) found.push(address);
    if (data !== undefined) found.push(data);
    for (const part of Object.values(node)) addresses(part, found);
  }
  return found;
}

test("of a hostile answer no beginning has an address that does something, and in the end it is what it is as a whole", () => {
  let known = 0;
  for (const text of payloads) {
    const document = new GrowingDocument();
    // The deep ones are alike in every step.
    const step = Math.max(1, Math.floor(text.length / 500));
    for (let end = 0; end <= text.length; end += step) {
      for (const address of addresses(nodes(document.update(text.slice(0, end), true)))) {
        known += 1;
        expect(address, `${end}: ${text}`).toMatch(/^(https?:|mailto:|data:image\/png;base64,)/i);
      }
    }
    expect(nodes(document.update(text, false)), text).toEqual(nodes(whole(text)));
  }
  expect(known, "some addresses are harmless").toBeGreaterThan(100);
});

test("a text that comes in two parts, split anywhere, is what it is as a whole", () => {
  for (const text of documents) {
    const expected = reference(text);
    for (let split = 0; split <= text.length; split++) {
      const document = new GrowingDocument();
      document.update(text.slice(0, split), true);
      expect(nodes(document.update(text, false)), `${split}: ${text}`).toEqual(expected);
    }
  }
});

test("texts made of pieces at random are the same however they come", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  for (let round = 0; round < 1500; round++) {
    const text = Array.from({ length: 2 + random(12) }, () => pieces[random(pieces.length)] ?? "").join("");
    const expected = reference(text);
    expect(nodes(whole(text)), JSON.stringify(text)).toEqual(expected);
    const document = new GrowingDocument();
    for (let end = 0; end < text.length; end += 1 + random(5)) document.update(text.slice(0, end), true);
    expect(nodes(document.update(text, false)), JSON.stringify(text)).toEqual(expected);
  }
});

test("a finished block is never read again and stays the same object", () => {
  const document = new GrowingDocument();
  // An open code block would take in all that follows.
  const text = documents.filter((text) => !text.includes("unfinished")).join("\n\n") + "\n\n";
  let before: Piece[] = [];
  let finished = 0;
  for (let end = 1; end <= text.length; end++) {
    const now = document.update(text.slice(0, end), true);
    // All but the last of before are finished, unless a definition came that one of them lacked.
    before.slice(0, -1).forEach((piece, index) => {
      if (piece === now[index]) return;
      expect(piece.wanted.size, piece.source).toBeGreaterThan(0);
    });
    finished = Math.max(finished, now.length);
    before = now;
  }
  expect(finished).toBeGreaterThan(documents.length);
  // Once per character for the last block, once per block when it is finished, once more per definition that came late.
  expect(document.reads).toBeLessThan(text.length + finished + 20);
});

test("a definition that comes late reaches the links before it, and the first one counts", () => {
  const text = "See [the notes][n] and [n].\n\nMore.\n\n[n]: https://a.example/\n\n[N]: https://b.example/\n";
  const document = new GrowingDocument();
  for (let end = 0; end <= text.length; end++) document.update(text.slice(0, end), true);
  const first = document.update(text, false)[0]?.nodes[0];
  expect(JSON.stringify(first).match(/https:\/\/a\.example\//g)).toHaveLength(2);
});

test("what replaces a text is not mixed up with it", () => {
  const document = new GrowingDocument();
  document.update("# One\n\ntwo\n\nthree", true);
  expect(nodes(document.update("- other", false))).toEqual(reference("- other"));
});

const hostile: Record<string, string> = {
  "one line of a megabyte": "word ".repeat(200_000),
  "one word of a megabyte": "x".repeat(1_000_000),
  "one line of Japanese": "水は流れる。".repeat(100_000),
  "a table of 5,000 rows": `| a | b | c |\n|---|:-:|--:|\n${"| 1 | 2 | 3 |\n".repeat(5000)}`,
  "quotes in quotes": ">".repeat(100_000),
  "quotes line by line": Array.from({ length: 300 }, (_, depth) => `${">".repeat(depth)} a`).join("\n"),
  "lists in lists": "- ".repeat(100_000),
  "lists in lists line by line": Array.from({ length: 500 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n"),
  "opening brackets": "[".repeat(100_000),
  "brackets in brackets": `${"[".repeat(50_000)}a${"]".repeat(50_000)}`,
  "images in images": "![".repeat(50_000),
  "links half open": "[a](".repeat(50_000),
  "links in angle brackets": "[a](<".repeat(20_000),
  "stars": "*".repeat(100_000),
  "stars and letters": "*a **b ".repeat(20_000),
  "stars closed": `${"*a ".repeat(20_000)}${"b* ".repeat(20_000)}`,
  "underlines": "_a __b ".repeat(20_000),
  "back ticks": Array.from({ length: 400 }, (_, n) => "`".repeat(n)).join(" "),
  "dollars": "$a".repeat(50_000),
  "dollars with commands": "$\\a ".repeat(25_000),
  "formulas half open": "\\(a ".repeat(25_000),
  "a fence that never ends": "```js\n" + "let a = 1;\n".repeat(50_000),
  "a fence of one line": "```\n" + "x".repeat(500_000),
  "many fences": "```\n".repeat(50_000),
  "empty lines": "\n".repeat(500_000),
  "definitions": Array.from({ length: 5000 }, (_, n) => `[a${n}]: https://a.example/${n}`).join("\n"),
  "definitions apart": Array.from({ length: 3000 }, (_, n) => `[a${n}]\n\n[a${n}]: /${n}\n`).join("\n"),
  "one label, late": `${"[a] [b]\n\n".repeat(5000)}[a]: /a\n\n[b]: /b\n`,
  "entities": "&amp".repeat(50_000),
  "angle brackets": "<".repeat(100_000),
  "addresses": "https://a.example/(".repeat(10_000),
  "mail": "a@".repeat(50_000),
  "struck": "~~a ".repeat(30_000),
  "escapes": "\\".repeat(200_000),
  "a table of bars": `${"|".repeat(5000)}\n${"-|".repeat(5000)}`,
  "headings": "# a\n".repeat(50_000),
  "carriage returns": "a\r\n\r\n".repeat(20_000),
};

for (const [name, text] of Object.entries(hostile)) {
  test(`${name}: work stays in bounds, nothing is lost, and steps do not matter`, () => {
    const once = new GrowingDocument();
    const expected = once.update(text, false);
    expect(expected.map((piece) => piece.source).join("")).toBe(text);
    for (const piece of expected) expect(piece.source.length).toBeLessThanOrEqual(LONGEST);
    let count = 0;
    const depth = (value: unknown): number => {
      count += 1;
      return value && typeof value === "object" ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    };
    for (const piece of expected) for (const block of piece.nodes) expect(depth(block)).toBeLessThan(200);
    // A node is an object of a few values.
    expect(count).toBeLessThan((MOST_NODES + LONGEST) * 12);
    expect(once.reads).toBeLessThanOrEqual(2 * expected.length + MOST_NODES);

    const stepwise = new GrowingDocument();
    for (let end = 0; end < text.length; end += Math.ceil(text.length / 40)) stepwise.update(text.slice(0, end), true);
    const grown = stepwise.update(text, false);
    expect(grown.map((piece) => piece.source)).toEqual(expected.map((piece) => piece.source));
    expect(nodes(grown)).toEqual(nodes(expected));
  });
}
