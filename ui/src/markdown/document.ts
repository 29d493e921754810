import { blocks, read, type Env, type Token } from "./grammar";
import { settled } from "./growing";
import type { Block } from "./nodes";
import { Outline } from "./outline";
import { tree } from "./tree";

/** No block is longer than this; what is longer is cut into several. In UTF-16 units. */
export const LONGEST = 16_384;
/** So many nodes of one text are set; what comes after is shown as plain text. */
export const MOST_NODES = 20_000;

/** One block of a text, or a part of one that was cut. */
export interface Piece {
  readonly source: string;
  readonly nodes: readonly Block[];
  /** Which part of a code block or table that was cut; 0 where nothing goes on. */
  readonly part: number;
  /** The rank of its heading, if it is one. */
  readonly rank?: number;
  /** Labels of definitions that it asked for in vain: it is read again if they come. */
  readonly wanted: ReadonlySet<string>;
}

type References = NonNullable<Env["references"]>;

const LINE_END = /\r\n?|\n/g;

/**
 * A text that may grow. A block is finished once a complete line begins the next one: by the rules of Markdown nothing that
 * follows can change it then. It is read once and stays the same object; each growth reads the last block only. What comes out
 * in the end does not depend on the steps in which the text came.
 */
export class GrowingDocument {
  /** How often a block was read; for tests. */
  reads = 0;
  #text = "";
  #finished: Piece[] = [];
  /** Where in the text the first unfinished block begins. */
  #start = 0;
  /** How far complete lines have been looked at. */
  #seen = 0;
  /** What the unfinished block needs before it to be read: the line that opened its code or the head of its table. */
  #lead = "";
  /** Which part of a block that was cut the unfinished one is. */
  #part = 0;
  #outline = new Outline();
  #nodes = 0;
  #closed = false;
  #definitions: References = Object.create(null) as References;

  /** The pieces of `text`. Finished ones are the same objects as the last time. */
  update(text: string, growing: boolean): Piece[] {
    if (this.#closed || !text.startsWith(this.#text)) this.#reset();
    this.#text = text;
    this.#finish(growing);
    this.#closed = !growing;
    return [...this.#finished, ...this.#last()];
  }

  #reset() {
    this.#finished = [];
    this.#start = this.#seen = this.#nodes = 0;
    this.#carry("");
    this.#outline = new Outline();
    this.#definitions = Object.create(null) as References;
  }

  /** Takes over every block that is finished. */
  #finish(growing: boolean) {
    while (this.#start < this.#text.length) {
      const over = this.#text.length - this.#start > LONGEST;
      const window = this.#text.slice(this.#start, this.#start + LONGEST);
      const all = !growing && !over;
      const complete = all ? window : window.slice(0, lastLineEnd(window));
      if (!over && !all && this.#start + complete.length <= this.#seen) return;
      this.#seen = this.#start + complete.length;
      if (this.#nodes >= MOST_NODES) {
        if (!over && !all) return;
        this.#keepPlain(all ? window : window.slice(0, cut(window)));
        continue;
      }
      const { starts, first } = this.#starts(complete);
      if (all) {
        this.#keepAll(window, starts, window.length);
        return;
      }
      const end = starts.at(-1) ?? 0;
      if (end > 0) this.#keepAll(window, starts.slice(0, -1), end);
      else if (over) this.#cut(window, first);
      else return;
    }
  }

  /** Where blocks begin in a text of complete lines, the first always at 0. */
  #starts(text: string): { starts: number[]; first?: Token } {
    const lead = lines(this.#lead).length - 1;
    const at = lines(text);
    const tops = blocks(this.#lead + text).filter((token) => token.level === 0 && token.map);
    const starts = [0];
    let before: Token | undefined;
    for (const token of tops) {
      const line = (token.map?.[0] ?? 0) - lead;
      const start = at[line] ?? 0;
      // A definition may go on in the next line, so only an empty line ends it.
      const open = before?.type === "reference_definition" && text.slice(at[line - 1], start).trim() !== "";
      if (start > 0 && !open) starts.push(start);
      before = token;
    }
    return { starts, ...(tops[0] ? { first: tops[0] } : {}) };
  }

  #keepAll(window: string, starts: number[], end: number) {
    const from = this.#start;
    starts.forEach((start, index) => {
      const source = window.slice(start, starts[index + 1] ?? end);
      if (this.#nodes >= MOST_NODES) return;
      this.#keep(this.#read(this.#lead, source, this.#definitions, (nodes) => (this.#nodes += nodes), false));
      this.#carry("");
      this.#start = from + start + source.length;
    });
  }

  /** Ends a block that is too long where a line ends. Code and tables go on as such. */
  #cut(window: string, first: Token | undefined) {
    const end = cut(window);
    const source = window.slice(0, end);
    const lead = this.#lead || (leadOf(first, source) ?? "");
    this.#keep(this.#read(this.#lead, source, this.#definitions, (nodes) => (this.#nodes += nodes), false));
    this.#start += end;
    this.#carry(lead);
  }

  #carry(lead: string) {
    this.#part = lead ? this.#part + 1 : 0;
    this.#lead = lead;
  }

  #keep(piece: Piece) {
    this.#finished.push(piece);
    const [first] = piece.nodes;
    if (first?.kind === "heading") this.#outline = this.#outline.after(first.level);
  }

  #keepPlain(source: string) {
    this.#keep(plain(source));
    this.#start += source.length;
    this.#carry("");
  }

  /** What is not finished yet, as it looks for now. */
  #last(): Piece[] {
    const source = this.#text.slice(this.#start);
    if (!source) return [];
    if (this.#nodes >= MOST_NODES) return [plain(source)];
    const whole = this.#lead + source;
    const shown = settled(whole);
    const from = Math.min(this.#lead.length, shown.length);
    return [this.#read(shown.slice(0, from), shown.slice(from), Object.create(this.#definitions) as References, () => undefined, true)];
  }

  #read(lead: string, source: string, definitions: References, count: (nodes: number) => void, growing: boolean): Piece {
    this.reads += 1;
    const wanted = new Set<string>();
    const defined = new Set<string>();
    const references = new Proxy(definitions, {
      get(target, label) {
        const found: unknown = Reflect.get(target, label);
        if (!found && typeof label === "string") wanted.add(label);
        return found;
      },
      set(target, label, value) {
        defined.add(String(label));
        return Reflect.set(target, label, value);
      },
    });
    const tokens = read(lead + source, { references, growing });
    const nodes = tree(tokens, count) ?? [{ kind: "plain" as const, text: source }];
    for (const label of defined) wanted.delete(label);
    if (!growing && defined.size > 0) this.#define(defined);
    const rank = nodes[0]?.kind === "heading" ? this.#outline.after(nodes[0].level).rank : undefined;
    return { source, nodes, part: this.#part, wanted, ...(rank ? { rank } : {}) };
  }

  /** Reads those blocks again that lacked a definition which has come. */
  #define(labels: ReadonlySet<string>) {
    this.#finished = this.#finished.map((piece) => {
      if (![...labels].some((label) => piece.wanted.has(label))) return piece;
      const again = this.#read("", piece.source, this.#definitions, () => undefined, false);
      return { ...piece, nodes: again.nodes, wanted: again.wanted };
    });
  }
}

const plain = (text: string): Piece => ({ source: text, nodes: [{ kind: "plain", text }], part: 0, wanted: new Set() });

/** Where each line of the text begins. */
const lines = (text: string): number[] => [0, ...[...text.matchAll(LINE_END)].map((found) => found.index + found[0].length)];

/** Where the last complete line ends. A carriage return at the end may be half of a line's end. */
const lastLineEnd = (text: string): number => Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r", text.length - 2)) + 1;

/** Where to cut what is too long: behind a line, else behind a word, else anywhere but inside of a character. */
function cut(text: string): number {
  const end = lastLineEnd(text) || text.lastIndexOf(" ") + 1 || text.length;
  return end === text.length && /[\ud800-\udbff]$/.test(text) ? end - 1 : end;
}

/** The line or lines that a cut code block or table needs before its next part. */
function leadOf(first: Token | undefined, source: string): string | undefined {
  const count = first?.type === "fence" ? 1 : first?.type === "table_open" ? 2 : 0;
  const lead = source.slice(0, lines(source)[count]);
  return count > 0 && lead.length < LONGEST / 8 ? lead : undefined;
}
