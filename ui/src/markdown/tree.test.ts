import { expect, test } from "vitest";
import { GrowingDocument } from "./document";
import { settled } from "./growing";
import type { Block, Inline } from "./nodes";
import { Outline } from "./outline";
import { plainText } from "./plain";
import { richText, tableHtml, tableText } from "./rich";
import { looksJapanese } from "./script";

const shown = (text: string, growing = false): Block[] => new GrowingDocument().update(text, growing).flatMap((piece) => piece.nodes);

/** The text of a paragraph with its kinds: `a [strong b] c`. */
const short = (nodes: readonly Inline[]): string =>
  nodes
    .map((node) => {
      if (node.kind === "text") return node.text;
      if (node.kind === "break") return "⏎";
      if (node.kind === "maths") return `[${node.open ? "open " : ""}${node.display ? "display " : ""}maths ${node.tex}]`;
      if (node.kind === "code") return `[code ${node.text}]`;
      if (node.kind === "image") return `[image ${node.alt} ${node.address ?? node.data ?? "nowhere"}]`;
      return `[${node.kind === "link" ? `link ${node.address}` : node.kind} ${short(node.children)}]`;
    })
    .join("");

function line(text: string, growing = false): string {
  const [block, ...more] = shown(text, growing);
  if (more.length > 0 || (block?.kind !== "paragraph" && block?.kind !== "heading")) throw new Error(`no paragraph: ${JSON.stringify(block)}`);
  return short(block.children);
}

test.each([
  ["It costs $5 or $10.", "It costs $5 or $10."],
  ["$20,000 and US$30,000, or $ 5 $ each", "$20,000 and US$30,000, or $ 5 $ each"],
  ["from $5-$7, 5$ and 6$", "from $5-$7, 5$ and 6$"],
  ["between $5 and 6$ a month", "between $5 and 6$ a month"],
  ["$2 + 3 = 5$ and $10^3$", "[maths 2 + 3 = 5] and [maths 10^3]"],
  ["`$HOME` and $PATH", "[code $HOME] and $PATH"],
  ["\\$x\\$ stays", "$x$ stays"],
  ["$x$, $a_1$ and $E = mc^2$.", "[maths x], [maths a_1] and [maths E = mc^2]."],
  ["price $\\$5$ each", "price [maths \\$5] each"],
  ["\\(a*b*c\\) and \\[d\\]", "[maths a*b*c] and [display maths d]"],
  ["so $$x$$ it is", "so [display maths x] it is"],
  ["水は$x$です", "水は[maths x]です"],
  ["a (note) \\(", "a (note) ("],
])("money is no formula, a formula is: %s", (text, expected) => expect(line(text)).toBe(expected));

test.each([
  ["**「重要」**です", "[strong 「重要」]です"],
  ["これは**重要。**次", "これは[strong 重要。]次"],
  ["**注意：**必ず", "[strong 注意：]必ず"],
  ["です**（例）**、*強調*する", "です[strong （例）]、[emphasis 強調]する"],
  ["한국어**(강조)**는", "한국어[strong (강조)]는"],
  ["snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"],
])("emphasis works beside Japanese marks: %s", (text, expected) => expect(line(text)).toBe(expected));

test.each([
  ["[a](https://a.example/)", "[link https://a.example/ a]"],
  ["[a](javascript:alert(1))", "a (javascript:alert(1))"],
  ["[a](docs/x.md)", "a (docs/x.md)"],
  ["<mailto:a@b.example>", "[link mailto:a@b.example mailto:a@b.example]"],
  ["see https://a.example/b。次", "see [link https://a.example/b https://a.example/b]。次"],
  ["https://a.example/を参照", "[link https://a.example/ https://a.example/]を参照"],
  ["example.com and a@b.example", "example.com and a@b.example"],
  ["![a](https://a.example/x.png) ![b](x.png)", "[image a https://a.example/x.png] [image b nowhere]"],
  ["<b>raw</b> &lt; <br>next", "<b>raw</b> < ⏎next"],
  ["one\ntwo", "one⏎two"],
])("addresses and markup: %s", (text, expected) => expect(line(text)).toBe(expected));

test.each([
  ["so **bold", "so [strong bold]"],
  ["so **bold*", "so [strong bold]"],
  ["so ***both", "so [emphasis [strong both]]"],
  ["so **a *b", "so [strong a [emphasis b]]"],
  ["so ~~gone", "so [deleted gone]"],
  ["so **", "so"],
  ["run `npm i", "run [code npm i]"],
  ["it`s", "it`s"],
  ["[label](https://a.exa", "label"],
  ["![map](https://a.exa", "map"],
  ["[label", "[label"],
  ["sum \\(a + b", "sum [open maths a + b]"],
  ["sum $\\frac{a}{b}", "sum [open maths \\frac{a}{b}]"],
  ["costs $5 and", "costs $5 and"],
  ["snake _case", "snake _case"],
  ["text\n-", "text"],
  ["text\n##", "text"],
  ["text\n``", "text"],
  ["a <b", "a"],
])("what is not finished shows no marks: %s", (text, expected) => expect(line(text, true)).toBe(expected));

test("a table is one from its first line on, and never before a finished text says so", () => {
  const head = "| Name | Value |";
  for (let end = 2; end <= head.length; end++) expect(shown(head.slice(0, end), true)[0]?.kind, head.slice(0, end)).not.toBe("paragraph");
  for (const delimiter of ["\n", "\n|", "\n|--", "\n|---|:-"]) expect(shown(head + delimiter, true).map((block) => block.kind)).toEqual(["table"]);
  expect(shown(head).map((block) => block.kind)).toEqual(["paragraph"]);
  expect(shown(`${head}\n|---|---|\n| 1 | 2`, true)).toHaveLength(1);
});

test("an open fence is code at once, without its marks or a half name", () => {
  expect(shown("```", true)).toEqual([]);
  expect(shown("```pyth", true)).toEqual([]);
  expect(shown("```python\nprint(", true)).toEqual([{ kind: "code", language: "python", text: "print(" }]);
  expect(shown("```python\nprint(1)\n``", true)).toEqual([{ kind: "code", language: "python", text: "print(1)" }]);
  expect(settled("```c\nint *")).toBe("```c\nint ");
});

test("an open formula is shown as its source until it ends", () => {
  expect(shown("$$\n\\frac{a", true)).toEqual([{ kind: "maths", tex: "\\frac{a", source: "$$\n\\frac{a", open: true }]);
  expect(shown("$$\na\n$$")).toEqual([{ kind: "maths", tex: "a", source: "$$\na\n$$", open: false }]);
});

test("tasks, starts and tightness of lists", () => {
  const [tasks, numbers, loose] = shown("- [x] a\n- [ ] b\n\n3. c\n4. d\n\n* e\n\n* f\n");
  expect(tasks).toMatchObject({ kind: "list", tight: true, items: [{ done: true }, { done: false }] });
  expect(numbers).toMatchObject({ kind: "list", start: 3, tight: true });
  expect(loose).toMatchObject({ kind: "list", tight: false });
  expect(numbers && "items" in numbers && numbers.items[0]).not.toHaveProperty("done");
});

test("ranks follow each other without a gap", () => {
  let outline = new Outline();
  const ranks = [3, 4, 6, 4, 1, 2, 2, 6].map((level) => (outline = outline.after(level)).rank);
  expect(ranks).toEqual([2, 3, 4, 3, 2, 3, 3, 4]);
});

test("what goes on the clipboard is escaped and carries no picture from elsewhere", () => {
  const html = richText('# A <b>\n\n**x** [l](https://a.example/?a=1&b="2) ![p](https://a.example/p.png)\n\n- [x] t\n\n```js\n<i>&\n```\n\n| a | b |\n|:-:|---|\n| 1 | <script> |\n');
  expect(html).toContain("<h1>A &lt;b&gt;</h1>");
  expect(html).toContain('<a href="https://a.example/?a=1&amp;b=%222">l</a>');
  expect(html).toContain("<pre><code>&lt;i&gt;&amp;</code></pre>");
  expect(html).toContain("<li>☑ t</li>");
  expect(html).toContain('<th align="center">a</th>');
  expect(html).not.toMatch(/<(img|script|b|i)\b/);
});

test("a table is copied with tabs", () => {
  const [table] = shown("| a | b |\n|---|---|\n| **1** | x<br>y |\n");
  if (table?.kind !== "table") throw new Error("no table");
  expect(tableText(table.head, table.rows)).toBe("a\tb\n1\tx y");
  expect(tableHtml(table.head, table.rows)).toContain("<td><strong>1</strong></td><td>x<br>y</td>");
  expect(plainText(table.head[0]?.children ?? [])).toBe("a");
});

test("a text is Japanese if it is written in it, not if it quotes it", () => {
  expect(looksJapanese("水は川を下ります。")).toBe(true);
  expect(looksJapanese("The word for water is みず, said mizu, and it is old.")).toBe(false);
  expect(looksJapanese("")).toBe(false);
});
