import { problemOf, type Backend, type Problem, type Receipt, type ShownMessage } from "../backend";

/** What a replay showed. `at` is the first character, counted from 0, that differs. */
export type Verdict = { same: true } | { same: false; at: number };

/** Compares an answer with its replay. One that was cut off is compared as far as it goes. */
export function compare(answer: string, replayed: string, cut: boolean): Verdict {
  if (answer === replayed || (cut && replayed.startsWith(answer))) return { same: true };
  let at = 0;
  while (at < answer.length && answer[at] === replayed[at]) at += 1;
  return { same: false, at };
}

/** An answer once more with the cascade off, to see that it is the same. */
export class Replay {
  /** The answer it is about. */
  answer = $state<number>();
  running = $state(false);
  /** Characters so far. */
  length = $state(0);
  verdict = $state<Verdict>();
  receipt = $state<Receipt>();
  problem = $state<Problem>();
  /** Called when the engine is free again. */
  ended: () => void = () => undefined;

  constructor(readonly backend: Backend) {}

  async run(answer: ShownMessage) {
    if (this.running) return;
    Object.assign(this, { answer: answer.id, running: true, length: 0, verdict: undefined, receipt: undefined, problem: undefined });
    const cut = answer.receipt?.finish !== "end";
    let text = "";
    let enough = false;
    try {
      await this.backend.replay(answer.id, (event) => {
        if (event.kind === "text") {
          text += event.text;
          this.length = text.length;
          // What was cut off need not be told to its end.
          if (cut && !enough && text.length >= answer.text.length) {
            enough = true;
            void this.backend.stop().catch(() => undefined);
          }
        } else if (event.kind === "finished") {
          this.receipt = event.receipt;
          // Whoever stopped it early has seen no end to compare.
          if (enough || event.receipt.finish !== "stopped") this.verdict = compare(answer.text, text, cut);
        } else if (event.kind === "failed") {
          this.problem = event.problem;
        }
      });
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
    this.running = false;
    this.ended();
  }
}
