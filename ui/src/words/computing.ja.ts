import type { computing as en } from "./computing.en";

/** 何で計算しているか、その理由 */
export const computing: typeof en = {
  toldOnceLoaded: "モデルを読み込むと表示されます。",
  processor: "プロセッサー",
  processorBest: "Taki に付属するプロセッサー用の {n} 種類のうち、ここで使えるのは {suit} 種類です。その中でプロセッサーの機能を最も多く使うものを選びました。",
  processorLacking: "次のものに必要な機能はありません：{names}",
  processorOnly: "プロセッサー用に用意されているのはこれだけです。",
  processorOwn: "この Taki をビルドしたパソコンのプロセッサー向けに組み込まれたもので、ほかの選択肢はありません。",
  processorUntold: "計算に使われている部品の名前は、このシステムではわかりません。",
  alsoProcessor: "cpu avx モジュール",
  gpu: "グラフィックカード",
  gpuNone: "使えるカードは見つかりませんでした。プロセッサーで計算します。",
  gpuProcessor: "プロセッサーで計算します。",
  gpuIdle: "使っていません：{devices}（モデルを載せる空きがないか、使うとかえって遅くなるため）。",
  gpuAll: "{devices}：モデル全体が載っています。",
  gpuPart: "モデルの {of} 層のうち {layers} 層をグラフィックカード（{devices}）で計算します。",
  gpuTargetHere: "回答するモデルはプロセッサーで計算します。",
  gpuDraft: "{rung} は {devices} で下書きします。",
  gpuDraftHere: "{rung} はプロセッサーで下書きします。",
  gpuUnused: "プロセッサーで計算します。カードがあっても使わず、ほかのアプリのために空けておきます。",
  gpuExact: "厳密モードでは、プロセッサーだけで計算します。",
  gpuAutomatic: "最も速くなるように使う",
  gpuOff: "使わない",
  gpuLayers: "{n} 層",
  alsoGpu: "gpu nvidia vram グラフィックボード",
  draftsAhead: "回答するモデルが文章を確認しているあいだも、下書きが先に進みます。",
};
