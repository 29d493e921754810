// What an answer is made of once it is read. Only these kinds are ever put on the screen; nothing in them is markup.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "break" }
  | { kind: "code"; text: string }
  | { kind: "emphasis"; children: Inline[] }
  | { kind: "strong"; children: Inline[] }
  | { kind: "deleted"; children: Inline[] }
  /** `address` is http, https or mailto. */
  | { kind: "link"; address: string; children: Inline[] }
  /** `data` is a picture inside the answer itself; one from elsewhere is only named, by its address. */
  | { kind: "image"; alt: string; data?: string; address?: string }
  /** `source` is the formula with its marks, as the model wrote it. `open`: its end has not come yet. */
  | { kind: "maths"; tex: string; source: string; display: boolean; open: boolean };

export interface Item {
  /** Of a task list; undefined if the item is no task. */
  done?: boolean;
  children: Block[];
}

export type Align = "" | "left" | "center" | "right";

export interface Cell {
  align: Align;
  children: Inline[];
}

export type Block =
  | { kind: "paragraph"; children: Inline[] }
  | { kind: "heading"; level: number; children: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; children: Block[] }
  /** `start` is the first number of an ordered list. */
  | { kind: "list"; start?: number; tight: boolean; items: Item[] }
  | { kind: "table"; head: Cell[]; rows: Cell[][] }
  | { kind: "rule" }
  | { kind: "maths"; tex: string; source: string; open: boolean }
  /** Text that is shown as it came, because it is too much or too deep to be set. */
  | { kind: "plain"; text: string };
