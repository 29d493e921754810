// What is on the made-up shelf: ladders, models and downloads of which only what matters is told.
import type { Download, DownloadState, LadderCard, ModelCard } from "../../src/backend";
import { card, model } from "../../src/session/written";

/** A ladder of the catalogue that is here. */
export const ladderCard = (change: Partial<LadderCard> & Pick<LadderCard, "id" | "name">): LadderCard =>
  card({ rungs: [change.name, "Max-Gram"], licences: ["Apache-2.0"], bytes: 98_362_432, memoryBytes: 332_668_240, models: [change.id], own: false, ...change });

/** A model whose file is here. */
export const modelCard = (change: Partial<ModelCard> & Pick<ModelCard, "id" | "name">): ModelCard =>
  model({ bytes: 98_362_432, file: `${change.id}.gguf`, licence: "Apache-2.0", hash: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", mix: "Q4_K_M", context: 8192, layers: 30, tokenizer: "4f1c09ab77e2d3b5", repository: "unsloth/SmolLM2-135M-Instruct-GGUF", ...change });

/** A model that was never fetched. */
export const offeredModel = (change: Partial<ModelCard> & Pick<ModelCard, "id" | "name">) => modelCard({ installed: false, offered: true, hash: "", mix: "", context: null, architecture: "", layers: null, tokenizer: "", ...change });

/** A ladder in the queue; how much of it is here in bytes, if that is known. */
export const download = (ladder: string, name: string, state: DownloadState | Exclude<DownloadState["kind"], "failed" | "interrupted">, doneBytes?: number, totalBytes = 1.6e9, secondsLeft: number | null = null): Download => ({
  ladder,
  name,
  state: typeof state === "string" ? { kind: state } : state,
  progress: doneBytes === undefined ? null : { doneBytes, totalBytes, secondsLeft },
  leftOut: [],
  anew: false,
});

export const smollm2 = ladderCard({
  id: "smollm2",
  name: "SmolLM2",
  rungs: ["SmolLM2 135M", "Max-Gram"],
  models: ["smollm2-135m"],
  about: { en: "Very small and quick: short drafts and simple questions.", ja: "とても小さく速いモデルです。短い下書きや簡単な質問に。" },
});

export const coder = ladderCard({
  id: "qwen-coder",
  name: "Qwen2.5 Coder",
  rungs: ["1.5B", "0.5B", "Max-Gram"],
  bytes: 1_608_720_832,
  missingBytes: 1_608_720_832,
  memoryBytes: 2_220_616_240,
  models: ["big", "small"],
  about: { en: "Writes and explains programs and formulas.", ja: "プログラムや数式を書き、説明します。" },
});

const mixes = [
  { name: "Q4_0", bytes: 77_000_000 },
  { name: "Q2_K", bytes: 54_000_000 },
];

export const models = [
  modelCard({ id: "smollm2-135m", name: "SmolLM2 135M", mixes }),
  modelCard({ id: "big", name: "Qwen2.5 Coder 1.5B", bytes: 1_117_320_768, mixes, context: 32_768, architecture: "qwen2" }),
  offeredModel({ id: "small", name: "Qwen2.5 Coder 0.5B", bytes: 491_400_064 }),
];

/** One of the user's own that is here. */
export const mine = ladderCard({ id: "mine", name: "For work", rungs: ["Qwen2.5 Coder 1.5B", "0.5B", "Max-Gram"], own: true, models: ["big", "small"], licences: [] });

/** One that was never fetched, and does not fit. */
export const offered = ladderCard({ id: "gemma", name: "Gemma 3", licences: ["Gemma"], bytes: 4.7e9, missingBytes: 4.7e9, memoryBytes: 19e9, offered: true, fits: "not", pace: 3 });

/** The one for this computer, not fetched yet. */
export const suggested = { ...coder, suggested: true, pace: 16, offered: true };
