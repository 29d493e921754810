import type { Backend, Download, DownloadState } from "../backend";
import type { Told } from "./told.svelte";

/** What screen readers hear of a download; how far it is, they ask for themselves. */
export interface DownloadSaid {
  what: "downloadBegan" | "downloadDone" | "downloadBroke" | "downloadWithout" | "downloadAnew";
  /** Of the ladder. */
  name: string;
}

const moving = ({ state }: Download) => state.kind === "asking" || state.kind === "running" || state.kind === "interrupted" || state.kind === "checking" || state.kind === "making";

const comes = (download: Download) => moving(download) || download.state.kind === "waiting" || download.state.kind === "ready";

/** The queue of ladders that are fetched, one after the other, while another one answers. */
export class Downloads {
  queue = $state<Download[]>([]);
  /** Of the last change that is told: what ended, then what began. */
  said = $state<DownloadSaid[]>([]);
  /** Called when one is whole or could not be had: what is here has changed. */
  ended: () => void = () => undefined;
  /** Those that were taken out by hand, by ladder: they do not end, they are gone. */
  #out = new Set<string>();

  constructor(
    readonly backend: Backend,
    readonly told: Told,
  ) {}

  /** The one that something is being done with, or that waits for a person, if there is one. */
  now = $derived.by(() => this.queue.find(moving) ?? this.queue.find(({ state }) => state.kind !== "waiting") ?? this.queue[0]);

  /** Whether something comes in without anyone doing anything. */
  coming = $derived.by(() => this.queue.some(comes));
  /** The same of one ladder. */
  comes = (ladder: string) => this.queue.some((download) => download.ladder === ladder && comes(download));

  of = (ladder: string) => this.queue.find((download) => download.ladder === ladder);

  watch() {
    return this.backend.watchDownloads((queue) => this.#take(queue));
  }

  #take(queue: Download[]) {
    const before = this.queue;
    this.queue = queue;
    const ended: DownloadSaid[] = [];
    const began: DownloadSaid[] = [];
    for (const was of before.filter(({ ladder }) => !this.of(ladder))) {
      const out = this.#out.delete(was.ladder);
      if (!out && was.state.kind !== "ready") ended.push({ what: "downloadDone", name: was.name });
      // What was deleted is no longer here either.
      if (out) this.ended();
    }
    for (const download of queue) {
      const was = before.find(({ ladder }) => ladder === download.ladder);
      const newly = (kind: DownloadState["kind"]) => download.state.kind === kind && was?.state.kind !== kind;
      if (moving(download) && !(was && moving(was))) began.push({ what: "downloadBegan", name: download.name });
      if (download.leftOut.length > 0 && !was?.leftOut.length) began.push({ what: "downloadWithout", name: download.name });
      if (download.anew && !was?.anew) began.push({ what: "downloadAnew", name: download.name });
      if (newly("failed")) ended.push({ what: "downloadBroke", name: download.name });
      if (newly("ready")) ended.push({ what: "downloadDone", name: download.name });
    }
    if (ended.length + began.length > 0) this.said = [...ended, ...began];
    // One that was ready leaves the queue when it is used: what is in use has changed.
    if (ended.length > 0 || before.some(({ ladder, state }) => state.kind === "ready" && !this.of(ladder))) this.ended();
  }

  /** Has a ladder fetched and, once it is here, answer; `first` before all others. */
  get(ladder: string, { first = false } = {}) {
    return this.told.asked(() => this.backend.downloadLadder(ladder, true, first));
  }

  pause(ladder: string) {
    return this.told.asked(() => this.backend.pauseDownload(ladder));
  }

  resume(ladder: string) {
    return this.told.asked(() => this.backend.resumeDownload(ladder));
  }

  /** What was fetched of it is gone; undone, it is fetched anew. */
  drop({ ladder, name }: Download) {
    return this.told.asked(async () => {
      this.#out.add(ladder);
      try {
        await this.backend.dropDownload(ladder);
      } catch (thrown) {
        this.#out.delete(ladder);
        throw thrown;
      }
      // It left the queue before its files and what was known of it were gone.
      this.ended();
      this.told.offerUndo("droppedDownload", name, () => this.backend.downloadLadder(ladder, true, false));
    });
  }
}
