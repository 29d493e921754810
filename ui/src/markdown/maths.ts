// Formulas: $…$ by Pandoc's rules, so that money stays money, $$…$$, \(…\) and \[…\].
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

/** A number and words, as in "between $5 and 6$". */
const MONEY = /^\d[\d.,]*\s[^\\^_={}<>+]*$/;

/** Longer formulas are somebody's mistake. In UTF-16 units. */
const LONGEST = 4000;

const CLOSES: Record<string, string> = { $$: "$$", "\\[": "\\]" };

/**
 * A formula with lines of its own. It ends at its mark or at an empty line and never looks further: what a line is must not
 * depend on lines that come after the next empty one, or finished blocks could change.
 */
function block(state: StateBlock, start: number, end: number, silent: boolean): boolean {
  const lineOf = (line: number) => state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trimEnd();
  if ((state.sCount[start] ?? 0) - state.blkIndent >= 4) return false;
  const first = lineOf(start);
  const open = first.slice(0, 2);
  const close = CLOSES[open];
  if (!close) return false;
  const inLine = first.slice(2);
  const at = inLine.indexOf(close);
  // Words behind the formula make it part of a sentence.
  if (at >= 0 && at + 2 < inLine.length) return false;
  if (at < 0 && open === "$$" && inLine.startsWith("$")) return false;
  if (silent) return true;

  let next = start + 1;
  let closed = at >= 0;
  const lines = [closed ? inLine.slice(0, at) : inLine];
  for (; !closed && next < end && !state.isEmpty(next) && (state.sCount[next] ?? 0) >= state.blkIndent; next++) {
    const line = lineOf(next);
    closed = line.endsWith(close);
    lines.push(closed ? line.slice(0, -2) : line);
  }
  state.line = next;
  const token = state.push("maths_block", "", 0);
  token.map = [start, next];
  token.content = lines.join("\n").trim();
  token.markup = state.getLines(start, next, state.blkIndent, false).trim();
  token.meta = { closed };
  return true;
}

function push(state: StateInline, silent: boolean, tex: string, to: number, display: boolean, closed: boolean): true {
  if (!silent) {
    const token = state.push("maths_inline", "", 0);
    token.content = tex.trim();
    token.markup = state.src.slice(state.pos, to);
    token.meta = { display, closed };
  }
  state.pos = to;
  return true;
}

function inline(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  const open = src.slice(pos, pos + 2);
  if (open === "$$" || open === "\\(" || open === "\\[") {
    const close = open === "$$" ? "$$" : open === "\\(" ? "\\)" : "\\]";
    const at = src.slice(0, Math.min(posMax, pos + LONGEST)).indexOf(close, pos + 2);
    if (at > pos + 2) return push(state, silent, src.slice(pos + 2, at), at + 2, open !== "\\(", true);
    if (at < 0 && state.env.open && open !== "$$") return push(state, silent, src.slice(pos + 2, posMax), posMax, open !== "\\(", false);
    return false;
  }
  if (src[pos] !== "$" || /\w/.test(src[pos - 1] ?? "")) return false;
  // Pandoc's rules: no space inside the marks, no digit behind the closing one. And no letter before the first, as in US$.
  if (!/^\$[^\s$]/.test(open)) return false;
  const rest = src.slice(pos + 1, Math.min(posMax, pos + LONGEST));
  const found = /^((?:[^$\\\n]|\\.|\n(?!\n))*?(?:[^$\\\s]|\\.))\$(?![\d$])/s.exec(rest);
  if (found?.[1] !== undefined && !MONEY.test(found[1])) return push(state, silent, found[1], pos + 1 + found[0].length, false, true);
  const growing = state.env.open && /^[^$]*\\[a-z]+[^$]*$/i.test(rest);
  return growing ? push(state, silent, rest, posMax, false, false) : false;
}

export function maths(md: MarkdownIt) {
  md.block.ruler.before("fence", "maths_block", block, { alt: ["paragraph", "reference", "blockquote", "list"] });
  md.inline.ruler.before("escape", "maths_inline", inline);
}
