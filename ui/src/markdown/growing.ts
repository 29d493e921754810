// How an answer that is still being written is shown: as what its open marks will most likely become, and without marks whose
// meaning is not settled yet. Only what is on the screen for a moment depends on this file; a finished answer never does.
import type { MarkdownIt, StateCore, StateInline } from "markdown-it";

/** A line of which only marks have come. */
const ONLY_MARKS = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?:[-*+=_~|:\s]+|#{1,6}|\d{1,9}[.)]|>+)?\s*$/;
/** The first line of a code block: the language is still growing. */
const FENCE = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?:`{3,}[^`]*|`{1,2}|~{3,}.*)$/;
/** Marks that may still become others. */
const UNSETTLED = /(?:[*_~`$\\]+|!?\[|<\/?[a-z]{0,3}\s?\/?)$/i;

/** The text without what cannot be told yet, and with a table where one has begun. */
export function settled(text: string): string {
  const at = text.lastIndexOf("\n") + 1;
  const line = text.slice(at);
  if (ONLY_MARKS.test(line) || FENCE.test(line)) return beginTable(text.slice(0, at));
  return beginTable(text.replace(UNSETTLED, ""));
}

/** Gives a table's first line, which on its own would be a paragraph full of bars, the second line that makes it a table. */
function beginTable(text: string): string {
  const found = /(?:^|\n)([ \t]*)(\|[^\n]+)\n?$/.exec(text);
  if (!found?.[2]) return text;
  const before = text.slice(0, found.index);
  // A row of a table that is there already.
  if (/(?:^|\n)[ \t]*\|[^\n]*$/.test(before)) return text;
  const columns = found[2].trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).length;
  return `${text.replace(/\n$/, "")}\n${found[1]}|${"---|".repeat(columns)}`;
}

/** Closes at the end of the text what was opened in it: `**so` is bold before its end has come. */
function closeMarks(state: StateInline) {
  if (!state.env.open) return;
  const { delimiters } = state;
  const open: number[] = [];
  for (let i = 0; i < delimiters.length; i++) {
    const mark = delimiters[i];
    if (!mark) break;
    // What a pair encloses cannot end behind it.
    if (mark.end >= 0) i = mark.end;
    else if (mark.open && !(mark.marker === 0x5f && mark.length === 1)) open.push(i);
  }
  for (const opener of open.reverse()) {
    const mark = delimiters[opener];
    if (!mark || mark.token === state.tokens.length - 1) continue;
    state.push("text", "", 0);
    mark.end = delimiters.length;
    delimiters.push({ marker: mark.marker, length: mark.length ?? 0, token: state.tokens.length - 1, end: -1, open: false, close: true });
  }
}

function openCode(state: StateInline, silent: boolean): boolean {
  if (!state.env.open || state.src[state.pos] !== "`" || /\w/.test(state.src[state.pos - 1] ?? "")) return false;
  const rest = state.src.slice(state.pos, state.posMax);
  const marks = /^`+/.exec(rest)?.[0] ?? "";
  const content = rest.slice(marks.length);
  if (!content.trim() || new RegExp(`(?<!\`)\`{${marks.length}}(?!\`)`).test(content)) return false;
  if (!silent) state.push("code_inline", "code", 0).content = content.replace(/\n/g, " ");
  state.pos = state.posMax;
  return true;
}

/** A link whose address is still coming shows its label. */
function openLink(state: StateInline, silent: boolean): boolean {
  if (!state.env.open || !"![".includes(state.src[state.pos] ?? " ")) return false;
  const label = /^!?\[([^[\]\n]+)\](?:\([^()\n]*)?$/.exec(state.src.slice(state.pos, state.posMax))?.[1];
  // A box of a task list.
  if (!label || /^[ x]$/i.test(label)) return false;
  if (!silent) state.push("text", "", 0).content = label;
  state.pos = state.posMax;
  return true;
}

/** As the parser's own, but it knows which text is the last. */
function inline(state: StateCore) {
  const texts = state.tokens.filter((token) => token.type === "inline");
  const last = state.tokens.at(-1)?.type === "fence" ? undefined : texts.at(-1);
  for (const token of texts) {
    state.env.open = state.env.growing === true && token === last;
    state.md.inline.parse(token.content, state.md, state.env, (token.children ??= []));
  }
}

export function growing(md: MarkdownIt) {
  md.core.ruler.at("inline", inline);
  md.inline.ruler.before("backticks", "open_code", openCode);
  md.inline.ruler.before("link", "open_link", openLink);
  md.inline.ruler2.after("balance_pairs", "close_marks", closeMarks);
}
