// For tests: a backend whose answers the test writes itself.
import type { Backend, Beside, Conversation, EngineState, Found, Listen, ModelCard, Opened, PromptSize, Receipt } from "../backend";

export const receipt = { finish: "end", cascade: true, speed_up: 1.8 } as Receipt;
export const ready: EngineState = { kind: "ready", loaded: { ladder: "a", rungs: ["A"], leftOut: [], context: 10, exactWidths: [], k: [], seconds: 1, passTimes: [] } };
export const blank = (id: number): Conversation => ({ id, title: "", pinned: false, messages: [], unsent: "", system: "", leftOut: 0, summary: "", attached: [], place: null });

export class Written implements Backend {
  on: Listen = () => undefined;
  engine: (state: EngineState) => void = () => undefined;
  beside: (beside: Beside | null) => void = () => undefined;
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
    settings: { ladder: "a", speedUp: true, exact: false, threads: null, context: null, cache: "f16", earlierChats: true, notify: true, language: "en", theme: "light", presets: [], zoom: 1, sidebar: true },
    processors: 2,
    memoryBytes: 8e9,
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
  savePlace = (conversation: number, place: unknown) => this.#done("savePlace", conversation, place);
  setSystem = (conversation: number, text: string) => this.#done("setSystem", conversation, text);
  attach = async (conversation: number, name: string, bytes: Uint8Array) => {
    this.calls.push(["attach", conversation, name, bytes.length]);
    return { id: this.calls.length, name, bytes: bytes.length, characters: bytes.length, tokens: 1, cut: false };
  };
  detach = (attachment: number) => this.#done("detach", attachment);
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
  loadLadder = (ladder: string) => this.#done("loadLadder", ladder);
  fetchLadder = (ladder: string) => this.#done("fetchLadder", ladder);
  cancelFetch = () => this.#done("cancelFetch");
  watchBeside = async (on: (beside: Beside | null) => void) => void (this.beside = on);
  fetchBeside = (ladder: string) => this.#done("fetchBeside", ladder);
  models = async () => this.shelf;
  draftChoices = async (target: string) => this.shelf.filter(({ id }) => id !== target).map(({ id }) => ({ model: id, problem: null, known: true }));
  ladderMemory = async (models: string[]) => ({ weights: models.length * 1e9, cache: 1e8, rest: 1e8 });
  makeLadder = async (name: string, models: string[]) => (this.calls.push(["makeLadder", name, models]), "made");
  removeLadder = (ladder: string) => this.#done("removeLadder", ladder);
  restoreLadder = (ladder: string) => this.#done("restoreLadder", ladder);
  exportLadder = async () => "/tmp/ladder.toml";
  addFile = async (on: (share: number) => void) => (on(0.5), { ladder: "mine", name: "Mine" });
  shrinkModel = async (model: string, mix: string, on: (share: number) => void) => {
    this.calls.push(["shrinkModel", model, mix]);
    on(0.5);
    return { id: "small", name: "Small", bytes: 1e8, installed: true, mixes: [] };
  };
  stopShrinking = () => this.#done("stopShrinking");
  earlierChats = async () => ({ messages: 3, bytes: 1200 });
  eraseEarlierChats = async () => ({ messages: 0, bytes: 0 });
  tellUnseen = (text: string) => this.#done("tellUnseen", text);
  changeSettings = async (settings: Opened["settings"]) => settings;

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
    this.calls.push(call);
    this.on = on;
    return new Promise<void>((resolve, reject) => {
      this.end = resolve;
      this.refuse = reject;
    });
  }
}
