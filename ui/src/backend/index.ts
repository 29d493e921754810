// The only folder that talks to the app. Everything else gets a `Backend`.
import { Channel } from "@tauri-apps/api/core";
import { commands } from "./bindings";
import type { Added, AddedFiles, AttachmentCard, ChatEvent, Conversation, ConversationCard, Download, DraftChoice, DraggedFile, Dragging, EarlierChats, EngineState, ExportFormat, Found, Imported, LadderCard, LadderCheck, LadderFile, LadderRemoved, LadderVersion, MemoryShare, ModelCard, Opening, Part, Place, Problem, PromptSize, RemovedLadder, Settings, ShrinkStep, Shrunk, Summarised, TrayWords, UpdatesAbout, UpdateState } from "./bindings";

export type * from "./bindings";

/** Settings as the app gives them: with every choice. */
export type Choices = Required<Settings> & { zoom: number };
export type Opened = Opening & { settings: Choices };
export type Listen = (event: ChatEvent) => void;

/** What the app can do. Every refusal is thrown as a `Refusal`. */
export interface Backend {
  open(): Promise<Opened>;
  listConversations(): Promise<ConversationCard[]>;
  openConversation(conversation: number): Promise<Conversation>;
  newConversation(): Promise<Conversation>;
  renameConversation(conversation: number, title: string): Promise<void>;
  pinConversation(conversation: number, pinned: boolean): Promise<void>;
  deleteConversation(conversation: number): Promise<void>;
  restoreConversation(conversation: number): Promise<Conversation>;
  search(text: string, limit: number): Promise<Found[]>;
  /** `parent` is what the message stands below: null at the root. With `edited` it is a new version of that question. */
  send(conversation: number, parent: number | null, text: string, edited: number | null, on: Listen): Promise<void>;
  answerAgain(question: number, on: Listen): Promise<void>;
  continueAnswer(answer: number, on: Listen): Promise<void>;
  replay(answer: number, on: Listen): Promise<void>;
  chooseVersion(message: number): Promise<Conversation>;
  deleteMessage(message: number): Promise<Conversation>;
  restoreMessage(message: number): Promise<Conversation>;
  stop(): Promise<void>;
  saveUnsent(conversation: number, text: string): Promise<void>;
  /** Null once the question is not edited any more. */
  saveEdited(message: number, text: string | null): Promise<void>;
  savePlace(conversation: number, place: Place | null): Promise<void>;
  setSystem(conversation: number, text: string): Promise<void>;
  attach(conversation: number, name: string, bytes: Uint8Array): Promise<AttachmentCard>;
  detach(attachment: number): Promise<void>;
  /** What the model reads of a file; of one in the composer all there is. */
  fileText(attachment: number): Promise<string>;
  /** The model reads only a part of a file from now on, or all of it again. */
  readPart(attachment: number, part: Part): Promise<void>;
  /** Null while nothing is loaded or an answer is being written. */
  promptSize(conversation: number, parent: number | null, text: string): Promise<PromptSize | null>;
  leaveOut(conversation: number, asked: number | null, parent: number | null, text: string): Promise<number>;
  /** The same with a summary in their place, which is told as it comes. */
  summarise(conversation: number, asked: number | null, parent: number | null, text: string, on: Listen): Promise<Summarised>;
  readAll(conversation: number): Promise<void>;
  /** The path written; null if the user chose none. */
  exportConversations(conversations: number[], format: ExportFormat): Promise<string | null>;
  /** How many came in; null if the user chose no file. */
  importConversations(): Promise<Imported | null>;
  watchEngine(on: (state: EngineState) => void): Promise<void>;
  ladders(): Promise<LadderCard[]>;
  /** Names of graphics cards and the like; null while nobody can look. Their memory counts in what fits from then on. */
  devices(): Promise<string[] | null>;
  loadLadder(ladder: string): Promise<void>;
  models(): Promise<ModelCard[]>;
  /** Whether each other model can draft for a target. */
  draftChoices(target: string): Promise<DraftChoice[]>;
  /** Where the memory of a ladder of these models would go. */
  ladderMemory(models: string[]): Promise<MemoryShare>;
  /** With `byText` drafts whose tokens are others draft by text. Gives its id. */
  makeLadder(name: string, models: string[], byText: boolean): Promise<string>;
  /** Of the user's own; what it was before is kept. */
  changeLadder(ladder: string, name: string, models: string[], byText: boolean): Promise<void>;
  /** What it was before, the newest first. */
  ladderVersions(ladder: string): Promise<LadderVersion[]>;
  backLadder(ladder: string, version: number): Promise<void>;
  /** What can be deleted with it: files that no other ladder has. */
  ladderFiles(ladder: string): Promise<LadderFile[]>;
  /** With the files of these models; that is final. */
  removeLadder(ladder: string, files: string[]): Promise<LadderRemoved>;
  /** Makes one of one's own like it; gives its id. */
  copyLadder(ladder: string, name: string): Promise<string>;
  /** Those that were removed and can be had back, the latest first. */
  removedLadders(): Promise<RemovedLadder[]>;
  /** Brings back one that was removed. */
  restoreLadder(ladder: string): Promise<void>;
  /** The path written; null if the user chose none. */
  exportLadder(ladder: string): Promise<string | null>;
  /** The same with its model files, into a folder. */
  handOver(ladder: string, on: (share: number) => void): Promise<string | null>;
  /** Asks for a model or recipe and takes it in, telling the share that is read; null if the user chose none. */
  addFile(on: (share: number) => void): Promise<Added | null>;
  /** Makes the model that an address in a repository leads to a ladder that can be downloaded. */
  addAddress(address: string): Promise<Added>;
  /** Tells whether files are held over the window and how many were let go there, where the page itself is not told. */
  watchDragged(on: (now: Dragging) => void): Promise<void>;
  /** Those that were let go since, but models and recipes, which are opened. */
  takeDragged(): Promise<DraggedFile[]>;
  /** What is in one of them. */
  draggedFile(ticket: number): Promise<ArrayBuffer>;
  /** Tells how many files the system wants opened, as from a file manager. */
  watchOpened(on: (waiting: number) => void): Promise<void>;
  /** Takes them in, telling the share that is read. */
  addOpened(on: (share: number) => void): Promise<AddedFiles>;
  /** One after the other, then all are compared. What is made stays, whatever comes after it. */
  shrinkModel(model: string, mixes: string[], on: (step: ShrinkStep) => void): Promise<Shrunk>;
  stopShrinking(): Promise<void>;
  removeModel(model: string): Promise<void>;
  watchDownloads(on: (queue: Download[]) => void): Promise<void>;
  /** Puts a ladder at the queue's end, to be changed to once it is here; one that is in it goes on. */
  downloadLadder(ladder: string, thenUse: boolean, first: boolean): Promise<void>;
  pauseDownload(ladder: string): Promise<void>;
  resumeDownload(ladder: string): Promise<void>;
  /** Takes it out of the queue and deletes what was fetched of it. */
  dropDownload(ladder: string): Promise<void>;
  /** A file that was dropped on the window is taken in piece by piece; gives its ticket. */
  dropBegin(name: string, bytes: number): Promise<number>;
  dropPiece(ticket: number, piece: Blob): Promise<void>;
  dropEnd(ticket: number): Promise<Added>;
  dropCancel(ticket: number): Promise<void>;
  /** Finds out how fast the ladder in use writes here. */
  checkLadder(on: (share: number) => void): Promise<LadderCheck>;
  stopCheck(): Promise<void>;
  /** The token of the model repository is never shown again. */
  setToken(token: string): Promise<void>;
  hasToken(): Promise<boolean>;
  removeToken(): Promise<void>;
  changeSettings(settings: Choices): Promise<Choices>;
  /** Asks for a folder that models are to come from; null if the person thought better of it. */
  chooseSource(): Promise<string | null>;
  /** Whether the folder that models come from is not there now. */
  sourceMissing(): Promise<boolean>;
  /** How much of earlier chats the speed-up may copy from. */
  earlierChats(): Promise<EarlierChats>;
  /** Gives what is left: nothing said up to now. */
  eraseEarlierChats(): Promise<EarlierChats>;
  /** Has the system show a text if another window is in front. */
  tellUnseen(text: string, pressed: () => void): Promise<void>;
  /** Shows Taki in the system's tray with these words, or takes it away there. Whether it is there now. */
  setTray(words: TrayWords | null): Promise<boolean>;
  /** Ends the program, whatever closing the window means. */
  quit(): Promise<void>;
  /** What is known of a newer version, now and at every change. */
  watchUpdates(on: (state: UpdateState) => void): Promise<void>;
  updatesAbout(): Promise<UpdatesAbout>;
  lookForUpdate(): Promise<void>;
  installUpdate(): Promise<void>;
  /** Ends the looking, or what comes in. */
  stopUpdate(): Promise<void>;
  /** Ends the program and starts it anew. */
  restart(): Promise<void>;
}

/** A problem as an exception. */
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

/** The problem behind anything that was thrown. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Refusal) return thrown.problem;
  return { code: "internal", details: { reason: String(thrown) } };
}

type Result<T> = { status: "ok"; data: T } | { status: "error"; error: Problem };

async function unwrap<T>(call: Promise<Result<T>>): Promise<T> {
  const result = await call;
  if (result.status === "error") throw typeof result.error === "object" ? new Refusal(result.error) : new Error(String(result.error));
  return result.data;
}

// What Rust sends has every field; only what it takes may lack some.
const whole = (opening: Opening) => opening as Opened;

const nothing = () => undefined;

/**
 * A channel's last message may come after the command's own answer: `ended` waits for it, and a stream without an end is
 * an error of the app.
 */
async function stream(call: (channel: Channel<ChatEvent>) => Promise<Result<null>>, on: (event: ChatEvent) => void) {
  let over: () => void = nothing;
  const ended = new Promise<void>((resolve) => (over = resolve));
  const channel = new Channel<ChatEvent>((event) => {
    on(event);
    if (event.kind === "finished" || event.kind === "failed") over();
  });
  await unwrap(call(channel));
  let late: ReturnType<typeof setTimeout> | undefined;
  const patience = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error("the answer's stream has no end")), 2000);
  });
  await Promise.race([ended, patience]).finally(() => clearTimeout(late));
}

/** Bytes as one text: a list of numbers would take many times its size on the way to the app. */
function base64Of(bytes: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error ?? new Error("a file could not be read"));
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.readAsDataURL(bytes);
  });
}

/** Tells how much of something is done. */
const shares = (on: (share: number) => void) => new Channel<number | null>((share) => on(share ?? 0));

const done = (call: Promise<Result<null>>) => unwrap(call).then(nothing);

export const tauriBackend: Backend = {
  open: async () => whole(await unwrap(commands.open())),
  listConversations: () => unwrap(commands.listConversations()),
  openConversation: (conversation) => unwrap(commands.openConversation(conversation)),
  newConversation: () => unwrap(commands.newConversation()),
  renameConversation: (conversation, title) => done(commands.renameConversation(conversation, title)),
  pinConversation: (conversation, pinned) => done(commands.pinConversation(conversation, pinned)),
  deleteConversation: (conversation) => done(commands.deleteConversation(conversation)),
  restoreConversation: (conversation) => unwrap(commands.restoreConversation(conversation)),
  search: (text, limit) => unwrap(commands.search(text, limit)),
  send: (conversation, parent, text, edited, on) => stream((channel) => commands.send(conversation, parent, text, edited, channel), on),
  answerAgain: (question, on) => stream((channel) => commands.answerAgain(question, channel), on),
  continueAnswer: (answer, on) => stream((channel) => commands.continueAnswer(answer, channel), on),
  replay: (answer, on) => stream((channel) => commands.replay(answer, channel), on),
  chooseVersion: (message) => unwrap(commands.chooseVersion(message)),
  deleteMessage: (message) => unwrap(commands.deleteMessage(message)),
  restoreMessage: (message) => unwrap(commands.restoreMessage(message)),
  stop: () => done(commands.stop()),
  saveUnsent: (conversation, text) => done(commands.saveUnsent(conversation, text)),
  saveEdited: (message, text) => done(commands.saveEdited(message, text)),
  savePlace: (conversation, place) => done(commands.savePlace(conversation, place)),
  setSystem: (conversation, text) => done(commands.setSystem(conversation, text)),
  attach: (conversation, name, bytes) => base64Of(new Blob([bytes as Uint8Array<ArrayBuffer>])).then((text) => unwrap(commands.attach(conversation, name, text))),
  detach: (attachment) => done(commands.detach(attachment)),
  fileText: (attachment) => unwrap(commands.fileText(attachment)),
  readPart: (attachment, part) => done(commands.readPart(attachment, part)),
  promptSize: (conversation, parent, text) => unwrap(commands.promptSize(conversation, parent, text)),
  leaveOut: (conversation, asked, parent, text) => unwrap(commands.leaveOut(conversation, asked, parent, text)),
  summarise: (conversation, asked, parent, text, on) => unwrap(commands.summarise(conversation, asked, parent, text, new Channel<ChatEvent>(on))),
  readAll: (conversation) => done(commands.readAll(conversation)),
  exportConversations: (conversations, format) => unwrap(commands.exportConversations(conversations, format)),
  importConversations: () => unwrap(commands.importConversations()),
  watchEngine: (on) => done(commands.watchEngine(new Channel<EngineState>(on))),
  ladders: () => unwrap(commands.ladders()),
  devices: () => unwrap(commands.devices()),
  loadLadder: (ladder) => done(commands.loadLadder(ladder)),
  models: () => unwrap(commands.models()),
  draftChoices: (target) => unwrap(commands.draftChoices(target)),
  ladderMemory: (models) => unwrap(commands.ladderMemory(models)),
  makeLadder: (name, models, byText) => unwrap(commands.makeLadder(name, models, byText)),
  changeLadder: (ladder, name, models, byText) => done(commands.changeLadder(ladder, name, models, byText)),
  ladderVersions: (ladder) => unwrap(commands.ladderVersions(ladder)),
  removedLadders: () => unwrap(commands.removedLadders()),
  backLadder: (ladder, version) => done(commands.backLadder(ladder, version)),
  ladderFiles: (ladder) => unwrap(commands.ladderFiles(ladder)),
  removeLadder: (ladder, files) => unwrap(commands.removeLadder(ladder, files)),
  copyLadder: (ladder, name) => unwrap(commands.copyLadder(ladder, name)),
  restoreLadder: (ladder) => done(commands.restoreLadder(ladder)),
  exportLadder: (ladder) => unwrap(commands.exportLadder(ladder)),
  handOver: (ladder, on) => unwrap(commands.handOver(ladder, shares(on))),
  addAddress: (address) => unwrap(commands.addAddress(address)),
  addFile: (on) => unwrap(commands.addFile(shares(on))),
  watchDragged: (on) => done(commands.watchDragged(new Channel<Dragging>(on))),
  takeDragged: () => unwrap(commands.takeDragged()),
  draggedFile: async (ticket) => Uint8Array.from(atob(await unwrap(commands.draggedFile(ticket))), (byte) => byte.charCodeAt(0)).buffer,
  watchOpened: (on) => done(commands.watchOpened(new Channel<number>(on))),
  addOpened: (on) => unwrap(commands.addOpened(shares(on))),
  shrinkModel: (model, mixes, on) => unwrap(commands.shrinkModel(model, mixes, new Channel<ShrinkStep>(on))),
  stopShrinking: () => done(commands.stopShrinking()),
  removeModel: (model) => done(commands.removeModel(model)),
  watchDownloads: (on) => done(commands.watchDownloads(new Channel<Download[]>(on))),
  downloadLadder: (ladder, thenUse, first) => done(commands.downloadLadder(ladder, thenUse, first)),
  pauseDownload: (ladder) => done(commands.pauseDownload(ladder)),
  resumeDownload: (ladder) => done(commands.resumeDownload(ladder)),
  dropDownload: (ladder) => done(commands.dropDownload(ladder)),
  dropBegin: (name, bytes) => unwrap(commands.dropBegin(name, bytes)),
  dropPiece: (ticket, piece) => base64Of(piece).then((text) => done(commands.dropPiece(ticket, text))),
  dropEnd: (ticket) => unwrap(commands.dropEnd(ticket)),
  dropCancel: (ticket) => done(commands.dropCancel(ticket)),
  checkLadder: (on) => unwrap(commands.checkLadder(shares(on))),
  stopCheck: () => done(commands.stopCheck()),
  setToken: (token) => done(commands.setToken(token)),
  hasToken: () => unwrap(commands.hasToken()),
  removeToken: () => done(commands.removeToken()),
  changeSettings: (settings) => unwrap(commands.changeSettings(settings)) as Promise<Choices>,
  chooseSource: () => unwrap(commands.chooseSource()),
  sourceMissing: () => unwrap(commands.sourceMissing()),
  earlierChats: () => unwrap(commands.earlierChats()),
  eraseEarlierChats: () => unwrap(commands.eraseEarlierChats()),
  tellUnseen: (text, pressed) => unwrap(commands.tellUnseen(text, new Channel<null>(pressed))).then(nothing),
  setTray: (words) => unwrap(commands.setTray(words)),
  quit: () => unwrap(commands.quit()).then(nothing),
  watchUpdates: (on) => done(commands.watchUpdates(new Channel<UpdateState>(on))),
  updatesAbout: () => unwrap(commands.updatesAbout()),
  lookForUpdate: () => done(commands.lookForUpdate()),
  installUpdate: () => done(commands.installUpdate()),
  stopUpdate: () => done(commands.stopUpdate()),
  restart: () => done(commands.restart()),
};
