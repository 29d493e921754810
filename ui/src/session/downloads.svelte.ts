import { type Backend, type Download } from "../backend";
import type { Told } from "./told.svelte";

/** What screen readers hear of a download; how far it is, they ask for themselves. */
export interface DownloadSaid {
  what: "downloadBegan" | "downloadDone" | "downloadBroke";
  /** Of the ladder. */
  name: string;
}

const moving = ({ state }: Download) => state.kind === "asking" || state.kind === "running" || state.kind === "checking";

/** The queue of ladders that are fetched, one after the other, while another one answers. */
export class Downloads {
  queue = $state<Download[]>([]);
  said = $state<DownloadSaid>();
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

  of = (ladder: string) => this.queue.find((download) => download.ladder === ladder);

  watch() {
    return this.backend.watchDownloads((queue) => this.#take(queue));
  }

  #take(queue: Download[]) {
    const before = this.queue;
    this.queue = queue;
    for (const download of queue) {
      const was = before.find(({ ladder }) => ladder === download.ladder);
      if (moving(download) && !(was && moving(was))) this.said = { what: "downloadBegan", name: download.name };
      if (download.state.kind === "failed" && was?.state.kind !== "failed") this.#end("downloadBroke", download);
      if (download.state.kind === "ready" && was?.state.kind !== "ready") this.#end("downloadDone", download);
    }
    for (const was of before.filter(({ ladder }) => !queue.some((download) => download.ladder === ladder))) {
      const out = this.#out.delete(was.ladder);
      if (!out && was.state.kind !== "ready") this.said = { what: "downloadDone", name: was.name };
      this.ended();
    }
  }

  #end(what: "downloadDone" | "downloadBroke", { name }: Download) {
    this.said = { what, name };
    this.ended();
  }

  /** Has a ladder fetched and, once it is here, answer. */
  get(ladder: string) {
    return this.told.asked(() => this.backend.downloadLadder(ladder, true));
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
      this.told.offerUndo("droppedDownload", name, () => this.backend.downloadLadder(ladder, true));
    });
  }
}
