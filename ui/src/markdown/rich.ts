// An answer for the clipboard. What goes into other programs is written from the same tree as what is on the screen, and
// every text in it is escaped.
import { GrowingDocument } from "./document";
import type { Block, Cell, Inline } from "./nodes";
import { plainText } from "./plain";

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text: string) => text.replace(/[&<>"]/g, (letter) => ESCAPES[letter] ?? letter);
const wrap = (tag: string, inside: string, attributes = "") => `<${tag}${attributes}>${inside}</${tag}>`;

const TAGS = { emphasis: "em", strong: "strong", deleted: "del" } as const;

function inline(node: Inline): string {
  switch (node.kind) {
    case "text":
      return escape(node.text);
    case "break":
      return "<br>";
    case "code":
      return wrap("code", escape(node.text));
    case "maths":
      return escape(node.source);
    case "image":
      // A document that the text is pasted into would fetch a picture.
      return escape(node.alt || node.address || "");
    case "link":
      return wrap("a", inlines(node.children), ` href="${escape(node.address)}"`);
    default:
      return wrap(TAGS[node.kind], inlines(node.children));
  }
}

const inlines = (nodes: readonly Inline[]): string => nodes.map(inline).join("");

function block(node: Block): string {
  switch (node.kind) {
    case "paragraph":
      return wrap("p", inlines(node.children));
    case "heading":
      return wrap(`h${node.level}`, inlines(node.children));
    case "code":
      return wrap("pre", wrap("code", escape(node.text)));
    case "quote":
      return wrap("blockquote", blocks(node.children));
    case "list": {
      const items = node.items.map((item) => {
        const box = item.done === undefined ? "" : item.done ? "☑ " : "☐ ";
        const [first, ...rest] = item.children;
        const inside = first?.kind === "paragraph" && (node.tight || box) ? box + inlines(first.children) + blocks(rest) : box + blocks(item.children);
        return wrap("li", inside);
      });
      const start = node.start === undefined || node.start === 1 ? "" : ` start="${node.start}"`;
      return wrap(node.start === undefined ? "ul" : "ol", items.join(""), start);
    }
    case "table":
      return tableHtml(node.head, node.rows);
    case "rule":
      return "<hr>";
    case "maths":
      return wrap("p", escape(node.source));
    case "plain":
      return wrap("p", escape(node.text).replace(/\n/g, "<br>"));
  }
}

const blocks = (nodes: readonly Block[]): string => nodes.map(block).join("");

export function tableHtml(head: readonly Cell[], rows: readonly Cell[][]): string {
  const row = (tag: string, cells: readonly Cell[]) => wrap("tr", cells.map((cell) => wrap(tag, inlines(cell.children), cell.align && ` align="${cell.align}"`)).join(""));
  return wrap("table", wrap("thead", row("th", head)) + wrap("tbody", rows.map((cells) => row("td", cells)).join("")));
}

/** A table as spreadsheets take it: a tab between cells, a line for each row. */
export const tableText = (head: readonly Cell[], rows: readonly Cell[][]): string =>
  [head, ...rows].map((cells) => cells.map((cell) => plainText(cell.children).replace(/\s+/g, " ")).join("\t")).join("\n");

/** A whole answer. */
export const richText = (text: string): string => new GrowingDocument().update(text, false).map((piece) => blocks(piece.nodes)).join("\n");
