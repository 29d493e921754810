/** A line of the palette. */
export interface Entry {
  id: string;
  group: string;
  name: string;
  /** What it is found by as well. */
  also?: string;
  keys?: string;
  run: () => unknown;
}

const plain = (text: string) => text.normalize("NFKC").toLowerCase();

/** Those that have every word of the query, in their order; names that begin with it first. */
export function matching(entries: Entry[], query: string): Entry[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  const found = entries.filter(({ name, also = "" }) => {
    const text = plain(`${name} ${also}`);
    return words.every((word) => text.includes(word));
  });
  const begins = (entry: Entry) => plain(entry.name).startsWith(words.join(" "));
  return words.length > 0 ? [...found.filter(begins), ...found.filter((entry) => !begins(entry))] : found;
}
