// What the states are made of.
import type { Conversation, Problem } from "../../src/backend";
import { coder, smollm2 } from "../mock/shelf";
import { conversation, receipt, settings } from "../window";

export const missing = { ...smollm2, missingBytes: smollm2.bytes };

export const large = coder;

export const damaged: Problem = { code: "model_damaged", details: { path: "/models/b179c952.gguf", model: "smollm2-135m" } };

const DAY = 86_400_000;
const now = Date.now();

const file = { id: 1, name: "売上報告 2026 第3四半期.csv", bytes: 48_200, characters: 31_000, tokens: 9_240, cut: false, part: "whole" as const };

export const files = [file, { id: 2, name: "Minutes of the meeting of the works council on the new canteen.pdf", bytes: 1_900_000, characters: 250_000, tokens: 60_000, cut: true, part: "whole" as const }];

const said = "Rivers dissolve minerals from rock and carry them to the sea.\n\nWater evaporates, the salt stays behind.\n  • sodium\n  • chloride";

export const ladder = {
  ...receipt,
  written: [[0, 7], [1, 9], [0, 10], [1, 20], [2, 16], [0, said.length - 62]] as [number, number][],
  exact: true,
  rungs: [
    { name: "Qwen 1.5B", role: "target" as const, proposed: 41, accepted: 41, passes: 45, seconds: 8 },
    { name: "Qwen 0.5B", role: "draft" as const, proposed: 44, accepted: 31, passes: 50, seconds: 1.2 },
    { name: "Max-Gram", role: "max_gram" as const, proposed: 26, accepted: 18, passes: 0, seconds: 0 },
  ],
};

/** Its first question with its answer. */
export const brief = () => conversation({ ...answered, messages: answered.messages.slice(0, 2) });

/** The model that gave the receipt, ready to be asked again in the same mode. */
export const itsModel = {
  engine: { kind: "ready" as const, loaded: { ladder: "qwen-coder", rungs: ["Qwen 1.5B", "Qwen 0.5B", "Max-Gram"], leftOut: [], context: 8192, exactWidths: [1, 2], k: [], seconds: 1, passTimes: [] } },
  settings: { ...settings, exact: true },
};

export const answered: Conversation = conversation({
  id: 3,
  title: "Why is the sea salty?",
  messages: [
    { id: 1, speaker: "user", text: "Why is the sea salty? 海はなぜ塩辛いのですか。", versions: [1, 7, 9] },
    {
      id: 2,
      speaker: "assistant",
      text: said,
      receipt: ladder,
      versions: [5, 2],
    },
    { id: 3, speaker: "user", text: "Tell me a long story about these figures.", attachments: [file] },
    { id: 4, speaker: "assistant", text: "Once upon a time there was a river that wanted to be a waterfall.", receipt: { ...receipt, finish: "stopped" } },
  ],
});

const titles: [title: string, daysAgo: number, pinned?: boolean][] = [
  ["週報のひな形", 3, true],
  ["Letter to the landlord about the broken heating", 0],
  ["見積書の書き方を教えてください", 0.01],
  ["", 0.02],
  ["Canteen menu for the week of the company's anniversary, with allergens", 1],
  ["VLOOKUP の使い方", 1],
  ["Translate the safety data sheet", 9],
  ["出張報告書の要約", 30],
];

export const others = titles.map(([title, ago, pinned = false], index) => ({
  conversation: conversation({ id: 20 + index, title, pinned, messages: [{ id: 200 + index, speaker: "user", text: title || "?" }] }),
  atMs: now - ago * DAY,
}));

export const long: Conversation = conversation({
  id: 8,
  title: "A long talk",
  messages: Array.from({ length: 40 }, (_, at) => ({
    id: 100 + at,
    speaker: at % 2 ? ("assistant" as const) : ("user" as const),
    text: at % 2 ? `Answer ${at}: ${"Rivers carry salt to the sea. ".repeat(8)}` : `Question ${at}?`,
    receipt: at % 2 ? receipt : null,
  })),
});

export const found = [
  { conversation: 8, title: "A long talk", message: 103, before: "… 3: Rivers carry ", hit: "salt", after: " to the sea. Rivers carry salt to …", file: false, inFile: null, atMs: now - 9 * DAY },
  { conversation: 22, title: "見積書の書き方を教えてください", message: null, before: "", hit: "見積", after: "書の書き方を教えてください", file: false, inFile: null, atMs: now - 2 * DAY },
  { conversation: 8, title: "A long talk", message: 104, before: "…第12条　甲及び乙は、海水の塩分 (", hit: "salt", after: "inity) の測定結果を、書面により相互に通知する。", file: false, inFile: "海洋調査業務委託契約書_2026年度版_最終_署名済み.docx", atMs: now - 9 * DAY },
];
