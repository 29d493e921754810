import { offered, picture } from "./address";
import { DEEPEST, type Token } from "./grammar";
import type { Align, Block, Cell, Inline, Item } from "./nodes";

/** How deep emphasis may lie in emphasis. Deeper marks are left out; their text stays. */
const DEEPEST_INLINE = 16;

/** So many formulas of a block are set. */
const MOST_FORMULAS = 200;
/** What a formula counts for: it is set from so many parts. */
const FORMULA = 30;

const WRAPS: Record<string, "emphasis" | "strong" | "deleted"> = { em_open: "emphasis", strong_open: "strong", s_open: "deleted" };

/** A text as a tree, or undefined where it lies too deep and the parser left out the rest. `count` is told of every node. */
export function tree(tokens: Token[], count: (nodes: number) => void = () => undefined): Block[] | undefined {
  let at = 0;
  let formulas = 0;
  count(tokens.length);
  if (tokens.some((token) => token.nesting === 1 && token.level >= DEEPEST - 1)) return undefined;

  const attribute = (token: Token, name: string) => String(token.attrGet(name) ?? "");

  function inlineOf(token: Token | undefined): Inline[] {
    const children = token?.children ?? [];
    count(children.length);
    for (const child of children) {
      if (child.type !== "maths_inline") continue;
      if (++formulas > MOST_FORMULAS) Object.assign(child, { type: "code_inline", content: child.markup });
      else count(FORMULA);
    }
    return inlines(children);
  }

  /** Reads until the end of what the token before `at` opened. */
  function children(close: string): Block[] {
    const list: Block[] = [];
    for (let token = tokens[at]; token && token.type !== close; token = tokens[at]) {
      at += 1;
      const block = blockOf(token);
      if (block) list.push(block);
    }
    at += 1;
    return list;
  }

  function item(): Item {
    const blocks = children("list_item_close");
    const first = blocks[0]?.kind === "paragraph" ? blocks[0].children[0] : undefined;
    const box = first?.kind === "text" ? /^\[([ xX])\](?:\s+|$)/.exec(first.text) : null;
    if (!box || first?.kind !== "text") return { children: blocks };
    first.text = first.text.slice(box[0].length);
    return { done: box[1] !== " ", children: blocks };
  }

  function table(): Block {
    const rows: Cell[][] = [];
    for (let token = tokens[at]; token && token.type !== "table_close"; token = tokens[at]) {
      at += 1;
      if (token.type === "tr_open") rows.push([]);
      if (token.type !== "th_open" && token.type !== "td_open") continue;
      const align = attribute(token, "style").replace("text-align:", "") as Align;
      rows.at(-1)?.push({ align, children: inlineOf(tokens[at]) });
    }
    at += 1;
    const [head = [], ...body] = rows;
    return { kind: "table", head, rows: body };
  }

  function blockOf(token: Token): Block | undefined {
    switch (token.type) {
      case "paragraph_open":
      case "heading_open": {
        const text = inlineOf(tokens[at]);
        at += 2;
        return token.type === "paragraph_open" ? { kind: "paragraph", children: text } : { kind: "heading", level: Number(token.tag.slice(1)), children: text };
      }
      case "fence":
      case "code_block":
        return { kind: "code", language: language(token.info), text: token.content.replace(/\n$/, "") };
      case "blockquote_open":
        return { kind: "quote", children: children("blockquote_close") };
      case "bullet_list_open":
      case "ordered_list_open": {
        const ordered = token.type === "ordered_list_open";
        const items: Item[] = [];
        const close = token.type.replace("open", "close");
        let tight = true;
        while (tokens[at] && tokens[at]?.type !== close) {
          const from = (at += 1);
          items.push(item());
          tight &&= !tokens.slice(from, at).some((inner) => inner.type === "paragraph_open" && inner.level === token.level + 2 && !inner.hidden);
        }
        at += 1;
        return ordered ? { kind: "list", start: Number(token.attrGet("start") ?? 1), tight, items } : { kind: "list", tight, items };
      }
      case "table_open":
        return table();
      case "hr":
        return { kind: "rule" };
      case "maths_block":
        count(FORMULA);
        return { kind: "maths", tex: token.content, source: token.markup, open: token.meta?.closed !== true };
      default:
        return undefined;
    }
  }

  return children("");
}

/** The first word behind the marks of a code block, if it can be a name. */
const language = (info: string) => /^[\w+#.-]{1,24}/.exec(info.trim())?.[0].toLowerCase() ?? "";

function inlines(tokens: Token[]): Inline[] {
  const root: Inline[] = [];
  const open: { list: Inline[]; token?: Token; skipped: boolean }[] = [{ list: root, skipped: false }];
  const add = (node: Inline) => {
    const list = open.at(-1)?.list ?? root;
    const before = list.at(-1);
    if (node.kind === "text" && before?.kind === "text") before.text += node.text;
    else if (node.kind !== "text" || node.text) list.push(node);
  };

  for (const token of tokens) {
    if (token.nesting === 1) {
      const list: Inline[] = [];
      const skipped = open.length > DEEPEST_INLINE;
      open.push({ list: skipped ? (open.at(-1)?.list ?? root) : list, token, skipped });
    } else if (token.nesting === -1 && open.length > 1) {
      const ended = open.pop();
      if (!ended?.token || ended.skipped) continue;
      const wrap = WRAPS[ended.token.type];
      if (wrap) add({ kind: wrap, children: ended.list });
      else for (const node of linked(ended.token, ended.list)) add(node);
    } else add(leaf(token));
  }
  return root;
}

function leaf(token: Token): Inline {
  switch (token.type) {
    // A line that ends in the source ends on the screen: models and people mean it so, and Japanese wants no space there.
    case "softbreak":
    case "hardbreak":
      return { kind: "break" };
    case "code_inline":
      return { kind: "code", text: token.content };
    case "image": {
      const source = String(token.attrGet("src") ?? "");
      const [data, address] = [picture(source), offered(source)];
      return { kind: "image", alt: token.content, ...(data ? { data } : address ? { address } : {}) };
    }
    case "maths_inline":
      return { kind: "maths", tex: token.content, source: token.markup, display: token.meta?.display === true, open: token.meta?.closed !== true };
    default:
      return { kind: "text", text: token.content };
  }
}

/** A link, or its words followed by where it would have led if that is nothing to offer. */
function linked(token: Token, children: Inline[]): Inline[] {
  let address = String(token.attrGet("href") ?? "");
  if (token.markup === "linkify" && children[0]?.kind === "text") {
    // Japanese text has no space behind an address. One with such letters in it is written with per cent signs or in angle brackets.
    const { text } = children[0];
    const end = /^[\x21-\x7e]*[\w/=&#%+-]/.exec(text)?.[0] ?? text;
    if (end.length < text.length) {
      const link = offered(end);
      return link ? [{ kind: "link", address: link, children: [{ kind: "text", text: end }] }, { kind: "text", text: text.slice(end.length) }] : children;
    }
    address = text;
  }
  const link = offered(address);
  if (link) return [{ kind: "link", address: link, children }];
  return address && token.info !== "auto" ? [...children, { kind: "text", text: ` (${address})` }] : children;
}
