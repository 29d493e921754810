// For tests: a backend whose answers the test writes itself.
import type { Backend, Conversation, Download, DraggedFile, Dragging, EngineState, Found, LadderCard, LadderFile, LadderRemoved, LadderVersion, Listen, ModelCard, Opened, Problem, PromptSize, Receipt, RemovedLadder, ShrinkStep, Shrunk, UpdateState } from "../backend";

export const receipt = { finish: "end", cascade: true, speed_up: 1.8 } as Receipt;
export const ready: EngineState = { kind: "ready", loaded: { ladder: "a", rungs: ["A"], leftOut: [], context: 10, exactWidths: [], k: [], seconds: 1, passTimes: [] } };
export const blank = (id: number): Conversation => ({ id, title: "", pinned: false, messages: [], unsent: "", system: "", leftOut: 0, summary: "", attached: [], place: null });

/** A ladder of which only what matters is told: one of the user's own that is here. */
export const card = (change: Partial<LadderCard> = {}): LadderCard => ({
  id: "a",
  name: "A",
  rungs: ["A", "Max-Gram"],
  licences: ["MIT"],
  bytes: 9,
  missingBytes: 0,
  memoryBytes: 20,
  models: ["a"],
  own: true,
  changeable: change.own ?? true,
  byText: false,
  fetchable: true,
  toMake: [],
  about: { en: "", ja: "" },
  offered: false,
  fits: "well",
  pace: null,
  leftOut: [],
  checked: null,
  suggested: false,
  ...change,
});

/** A model of which only what matters is told. */
export const model = (change: Partial<ModelCard> = {}): ModelCard => ({ id: "a", name: "A", bytes: 9, installed: true, mixes: [], file: "a.gguf", licence: "MIT", hash: "", mix: "Q4_0", context: 2048, architecture: "llama", layers: null, tokenizer: "", repository: "", offered: false, own: false, madeFrom: null, ...change });

export class Written implements Backend {
  on: Listen = () => undefined;
  engine: (state: EngineState) => void = () => undefined;
  downloads: (queue: Download[]) => void = () => undefined;
  handed: (waiting: number) => void = () => undefined;
  /** Tells how much of something is done. */
  share: (share: number) => void = () => undefined;
  versions: LadderVersion[] = [];
  files: LadderFile[] = [];
  token = false;
  end: () => void = () => undefined;
  refuse: (thrown: unknown) => void = () => undefined;
  calls: [name: string, ...args: unknown[]][] = [];
  stored = new Map<number, Conversation>([[1, blank(1)]]);
  found: Found[] = [];
  shelf: ModelCard[] = [];
  size: PromptSize | null = null;
  opening: Opened = {
    conversation: blank(1),
    conversations: [],
    ladders: [],
    ladder: "a",
    engine: ready,
    settings: { ladder: "a", speedUp: true, policy: "adaptive", exact: false, threads: null, context: null, cache: "f16", gpuLayers: null, workers: [], earlierChats: true, notify: true, background: false, language: "en", theme: "light", presets: [], source: "", mirror: "", proxy: "", updates: "", updatesDaily: false, zoom: 1, sidebar: true },
    processors: 2,
    memoryBytes: 8e9,
    locked: [],
    limits: { attachmentBytes: 1000, attachments: 3 },
    notices: [],
  };

  open = async () => this.opening;
  listConversations = async () => [...this.stored.values()].map(({ id, title, pinned, messages }) => ({ id, title, pinned, atMs: id, messages: messages.length }));
  openConversation = async (id: number) => (this.calls.push(["openConversation", id]), this.#get(id));
  newConversation = async () => (this.stored.set(2, blank(2)), this.#get(2));
  renameConversation = (id: number, title: string) => this.#done("rename", id, title);
  pinConversation = (id: number, pinned: boolean) => this.#done("pin", id, pinned);
  deleteConversation = (id: number) => this.#done("deleteConversation", id);
  restoreConversation = async (id: number) => (this.calls.push(["restoreConversation", id]), this.#get(id));
  search = async (text: string, limit: number) => (this.calls.push(["search", text, limit]), this.found);
  send = (...[conversation, parent, text, edited, on]: Parameters<Backend["send"]>) => this.#stream(["send", conversation, parent, text, edited], on);
  answerAgain = (question: number, on: Listen) => this.#stream(["answerAgain", question], on);
  continueAnswer = (answer: number, on: Listen) => this.#stream(["continueAnswer", answer], on);
  replay = (answer: number, on: Listen) => this.#stream(["replay", answer], on);
  chooseVersion = async (message: number) => (this.calls.push(["chooseVersion", message]), this.#get(1));
  deleteMessage = async (message: number) => (this.calls.push(["deleteMessage", message]), blank(1));
  restoreMessage = async (message: number) => (this.calls.push(["restoreMessage", message]), this.#get(1));
  stop = () => this.#done("stop");
  saveUnsent = (conversation: number, text: string) => this.#done("saveUnsent", conversation, text);
  saveEdited = (message: number, text: string | null) => this.#done("saveEdited", message, text);
  savePlace = (conversation: number, place: unknown) => this.#done("savePlace", conversation, place);
  setSystem = (conversation: number, text: string) => this.#done("setSystem", conversation, text);
  attach = async (conversation: number, name: string, bytes: Uint8Array) => {
    this.calls.push(["attach", conversation, name, bytes.length]);
    return { id: this.calls.length, name, bytes: bytes.length, characters: bytes.length, tokens: 1, cut: false, part: "whole" as const };
  };
  detach = (attachment: number) => this.#done("detach", attachment);
  fileText = async (attachment: number) => (this.calls.push(["fileText", attachment]), "text");
  readPart = (attachment: number, part: string) => this.#done("readPart", attachment, part);
  promptSize = async () => this.size;
  leaveOut = async (conversation: number, asked: number | null, parent: number | null, text: string) => (this.calls.push(["leaveOut", conversation, asked, parent, text]), 5);
  summarise = async (...[conversation, asked, parent, text, on]: Parameters<Backend["summarise"]>) => {
    await this.#stream(["summarise", conversation, asked, parent, text], on);
    return { last: 5, summary: "of the first five" };
  };
  readAll = (conversation: number) => this.#done("readAll", conversation);
  exportConversations = async () => "/tmp/out.md";
  importConversations = async () => ({ added: 2, known: 0 });
  watchEngine = async (on: (state: EngineState) => void) => void (this.engine = on);
  ladders = async () => this.opening.ladders;
  devices = async () => [] as string[];
  loadLadder = (ladder: string) => this.#done("loadLadder", ladder);
  watchDownloads = async (on: (queue: Download[]) => void) => void (this.downloads = on);
  downloadLadder = (ladder: string, thenUse: boolean, first: boolean) => this.#done("downloadLadder", ladder, thenUse, first);
  pauseDownload = (ladder: string) => this.#done("pauseDownload", ladder);
  resumeDownload = (ladder: string) => this.#done("resumeDownload", ladder);
  dropDownload = (ladder: string) => this.#done("dropDownload", ladder);
  models = async () => this.shelf;
  draftChoices = async (target: string) => this.shelf.filter(({ id }) => id !== target).map(({ id }) => ({ model: id, problem: null, byText: false, nearly: false, reads: null, known: true }));
  ladderMemory = async (models: string[]) => ({ weights: models.length * 1e9, cache: 1e8, rest: 1e8, free: null, leftOut: [], fits: true, devices: [] });
  makeLadder = async (name: string, models: string[], byText: boolean) => (this.calls.push(["makeLadder", name, models, byText]), "made");
  changeLadder = (ladder: string, name: string, models: string[], byText: boolean) => this.#done("changeLadder", ladder, name, models, byText);
  ladderVersions = async (ladder: string) => (this.calls.push(["ladderVersions", ladder]), this.versions);
  backLadder = (ladder: string, version: number) => this.#done("backLadder", ladder, version);
  ladderFiles = async () => this.files;
  removed: LadderRemoved = { deleted: [], problems: [] };
  removeLadder = async (ladder: string, files: string[]) => (this.calls.push(["removeLadder", ladder, files]), this.removed);
  away: RemovedLadder[] = [];
  removedLadders = async () => this.away;
  copyLadder = async (ladder: string, name: string) => (this.calls.push(["copyLadder", ladder, name]), "copy");
  restoreLadder = (ladder: string) => this.#done("restoreLadder", ladder);
  exportLadder = async () => "/tmp/ladder.toml";
  addAddress = async (address: string) => (this.calls.push(["addAddress", address]), { ladder: "found", name: "Found" });
  /** What is wrong with files that the system wants opened. */
  bad: Problem[] = [];
  addFile = async (on: (share: number) => void) => (on(0.5), { ladder: "mine", name: "Mine" });
  dragged: (now: Dragging) => void = () => undefined;
  watchDragged = async (on: (now: Dragging) => void) => void (this.dragged = on);
  takeDragged = async (): Promise<DraggedFile[]> => [];
  draggedFile = async () => new ArrayBuffer(0);
  watchOpened = async (on: (waiting: number) => void) => void (this.handed = on);
  addOpened = async (on: (share: number) => void) => (this.calls.push(["addOpened"]), on(0.5), { last: { ladder: "handed", name: "Handed" }, problems: this.bad });
  shrunk: Shrunk = { versions: [{ card: model({ id: "small", name: "Small" }), agreement: 0.94, pace: 14, drafts: true }], pace: 10, ended: null };
  shrinkModel = async (from: string, mixes: string[], on: (step: ShrinkStep) => void) => {
    this.calls.push(["shrinkModel", from, mixes]);
    on({ at: 0, share: 0.5 });
    return this.shrunk;
  };
  handOver = async (ladder: string, on: (share: number) => void) => {
    this.calls.push(["handOver", ladder]);
    on(0.5);
    return "/tmp/ladder";
  };
  dropBegin = async (name: string, bytes: number) => (this.calls.push(["dropBegin", name, bytes]), 7);
  dropPiece = async (ticket: number, piece: Blob) => void this.calls.push(["dropPiece", ticket, piece.size]);
  dropEnd = async (ticket: number) => (this.calls.push(["dropEnd", ticket]), { ladder: "mine", name: "Mine" });
  dropCancel = (ticket: number) => this.#done("dropCancel", ticket);
  checkLadder = async (on: (share: number) => void) => {
    this.share = on;
    await this.#held(["checkLadder"]);
    return { alone: 10, cascade: 14, ratio: 1.4, better: null };
  };
  stopCheck = () => this.#done("stopCheck");
  setToken = async (token: string) => (this.calls.push(["setToken", token]), void (this.token = true));
  hasToken = async () => this.token;
  folder: string | null = null;
  chooseSource = async () => this.folder;
  sourceMissing = async () => false;
  removeToken = async () => void (this.token = false);
  stopShrinking = () => this.#done("stopShrinking");
  removeModel = (model: string) => this.#done("removeModel", model);
  earlierChats = async () => ({ messages: 3, bytes: 1200 });
  eraseEarlierChats = async () => ({ messages: 0, bytes: 0 });
  tellUnseen = (text: string, _pressed: () => void) => this.#done("tellUnseen", text);
  setTray = async (words: unknown) => (this.calls.push(["setTray", words]), words !== null);
  quit = () => this.#done("quit");
  update: (state: UpdateState) => void = () => undefined;
  watchUpdates = async (on: (state: UpdateState) => void) => void (this.update = on);
  updatesAbout = async () => ({ version: "0.1.0", from: { kind: "nowhere" as const } });
  lookForUpdate = () => this.#done("lookForUpdate");
  installUpdate = () => this.#done("installUpdate");
  stopUpdate = () => this.#done("stopUpdate");
  restart = () => this.#done("restart");
  changeSettings = async (settings: Opened["settings"]) => ({ ...settings, ladder: settings.ladder || this.opening.settings.ladder });

  named = (name: string) => this.calls.filter(([called]) => called === name);

  #get(id: number): Conversation {
    const conversation = this.stored.get(id);
    if (!conversation) throw new Error(`no conversation ${id}`);
    return structuredClone(conversation);
  }

  async #done(...call: [string, ...unknown[]]) {
    this.calls.push(call);
  }

  #stream(call: [string, ...unknown[]], on: Listen) {
    this.on = on;
    return this.#held(call);
  }

  /** Does not answer until the test says so. */
  #held(call: [string, ...unknown[]]) {
    this.calls.push(call);
    return new Promise<void>((resolve, reject) => {
      this.end = resolve;
      this.refuse = reject;
    });
  }
}
