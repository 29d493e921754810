// The Markdown that models write: CommonMark with tables, struck text and bare addresses, emphasis that works in Japanese,
// formulas, and no HTML. Read by markdown-it; only its tokens are used, never its HTML.
import MarkdownIt, { type Env, type Token } from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";
import { growing } from "./growing";
import { maths } from "./maths";

/** How deep blocks may lie in each other; each list takes two. */
export const DEEPEST = 32;

const md = new MarkdownIt({ html: false, linkify: true, maxNesting: DEEPEST });
md.use(cjkFriendly).use(maths).use(growing);
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
// Which addresses may be offered is decided in one place, `address.ts`, and what is written is shown as it was written.
md.validateLink = () => true;
md.normalizeLinkText = (text) => text;
// Where definitions stand matters to where blocks end.
md.core.ruler.disable("strip_references");
// The one tag that models write inside of tables, where there is no other way to begin a line.
md.inline.ruler.before("entity", "line_break", (state, silent) => {
  const tag = state.src[state.pos] === "<" && /^<br\s*\/?>/i.exec(state.src.slice(state.pos, state.pos + 8))?.[0];
  if (!tag) return false;
  if (!silent) state.push("hardbreak", "br", 0);
  state.pos += tag.length;
  return true;
});

export type { Env, Token };

/** Reads a text completely. */
export const read = (text: string, env: Env): Token[] => md.parse(text, env);

/** Finds the blocks of a text without reading what is in them. */
export function blocks(text: string): Token[] {
  const tokens: Token[] = [];
  md.block.parse(text.replace(/\r\n?/g, "\n"), md, { references: Object.create(null) as Record<string, never> }, tokens);
  return tokens;
}
