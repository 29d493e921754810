import { problemOf, type Backend, type Conversation, type ConversationCard, type Place, type ShownMessage } from "../backend";
import { Answers } from "./answers.svelte";
import { Chosen } from "./choices.svelte";
import { Composer } from "./composer.svelte";
import { Conversations } from "./conversations.svelte";
import { Check } from "./check.svelte";
import { Downloads } from "./downloads.svelte";
import { Dropped } from "./dropped.svelte";
import { Earlier } from "./earlier.svelte";
import { Edits } from "./edits";
import { Engine } from "./engine.svelte";
import { Ladders } from "./ladders.svelte";
import { Replay } from "./replay.svelte";
import { Resting } from "./resting";
import { Search } from "./search.svelte";
import { Summary } from "./summary.svelte";
import { Thread } from "./thread.svelte";
import { Token } from "./token.svelte";
import { Told } from "./told.svelte";
import { Updates } from "./updates.svelte";

/** An answer that took so long, in milliseconds, is one that people turn to other work for. */
const LONG = 10_000;

const refusedForLength = ({ problem }: ShownMessage) => problem?.code === "prompt_too_long" || problem?.code === "text_too_long";

/** The state of the window. Components read it; only its methods change it. What concerns one noun alone is that noun's. */
export class Session {
  readonly told = new Told();
  readonly thread = new Thread();
  readonly downloads: Downloads;
  readonly engine: Engine;
  readonly chosen: Chosen;
  readonly ladders: Ladders;
  readonly check: Check;
  readonly dropped: Dropped;
  readonly token: Token;
  readonly earlier: Earlier;
  readonly updates: Updates;
  readonly conversations: Conversations;
  readonly search: Search;
  readonly answers: Answers;
  readonly composer: Composer;
  readonly replay: Replay;
  readonly summary: Summary;
  readonly edits: Edits;
  opened = $state(false);
  /** How many threads the processor runs at once. */
  processors = 1;
  /** How many bytes of memory the computer has, if it tells. */
  memory: number | null = null;
  /** Settings that the administrator has laid down. */
  locked = $state<string[]>([]);
  /** Whether another conversation is on its way to the screen. */
  turning = $state(false);
  /** Called when an answer that people may have turned away from has ended, for better or worse. */
  rested: (broken: boolean, where: number) => void = () => undefined;
  #turn = 0;
  #moved = false;
  #rest = new Resting(() => void this.#keepPlace());

  constructor(readonly backend: Backend) {
    this.downloads = new Downloads(backend, this.told);
    this.engine = new Engine(backend, this.told, this.downloads);
    this.chosen = new Chosen(backend, this.told);
    this.ladders = new Ladders(backend, this.told, this.engine, this.chosen);
    this.engine.chose = (ladder) => {
      if (ladder !== this.chosen.now.ladder) this.chosen.now = { ...this.chosen.now, ladder };
    };
    this.check = new Check(backend, this.told, this.ladders);
    this.dropped = new Dropped(backend, this.ladders);
    this.token = new Token(backend, this.told);
    this.earlier = new Earlier(backend, this.told);
    this.updates = new Updates(backend, this.told);
    this.conversations = new Conversations(backend, this.told);
    this.search = new Search(backend);
    this.answers = new Answers(backend, this.told, this.thread);
    this.composer = new Composer(backend, this.told, this.engine, this.thread, this.answers);
    this.edits = new Edits(backend, this.told);
    this.replay = new Replay(backend);
    this.summary = new Summary(backend, this.told, this.thread);
    this.downloads.ended = () => void this.ladders.lookUp();
    this.engine.settled = () => this.composer.flush();
    this.composer.blocked = () => this.replay.running || this.summary.running || this.check.running;
    this.check.ended = () => this.composer.flush();
    this.replay.ended = () => this.composer.flush();
    this.answers.ended = (where, took, problem) => {
      // What waits goes on: there is nothing to come back for yet.
      const goesOn = this.composer.waiting.length > 0;
      this.composer.flush();
      if (took > LONG && this.chosen.now.notify && !goesOn) this.rested(problem !== undefined, where);
    };
    this.answers.vanished = (conversation) => void this.composer.vanished(conversation);
    this.answers.kept = () => {
      const { where, writing } = this.answers;
      if (where !== undefined && writing) this.composer.follow(where, writing.id);
      void this.conversations.refresh();
    };
  }

  ladder = $derived.by(() => this.engine.ladders.find((card) => card.id === this.chosen.now.ladder));
  /** Whether an answer may be begun now. */
  free = $derived.by(() => this.composer.free);

  async open() {
    try {
      const opening = await this.backend.open();
      this.edits.take(opening.conversation.messages);
      this.thread.show(opening.conversation);
      this.composer.take(opening.conversation);
      this.composer.limits = opening.limits;
      this.engine.take(opening);
      this.chosen.now = opening.settings;
      this.processors = opening.processors;
      this.memory = opening.memoryBytes;
      this.locked = opening.locked;
      this.conversations.cards = opening.conversations;
      this.told.notices = opening.notices;
      this.told.fatal = undefined;
      this.opened = true;
      await this.engine.watch();
      await this.ladders.watch();
      await this.updates.watch();
    } catch (thrown) {
      this.told.fatal = problemOf(thrown);
    }
  }

  /** Shows a conversation, at a message if one is named. */
  async openConversation(id: number, message?: number) {
    if (id !== this.thread.id && !(await this.#turnTo(() => this.backend.openConversation(id)))) return;
    if (message === undefined) return;
    // A hit may stand on a branch that is not shown.
    if (this.thread.at(message) < 0) await this.#show(() => this.backend.chooseVersion(message));
    this.thread.goal = message;
  }

  /** Begins anew; what is empty already is left as it is. */
  async newConversation() {
    if (this.thread.messages.length === 0 && !this.composer.text.trim() && this.composer.attached.length === 0) return;
    // It would not be among the hits.
    this.search.clear();
    await this.#turnTo(() => this.backend.newConversation());
    await this.conversations.refresh();
  }

  async deleteConversation(card: ConversationCard) {
    const { id } = card;
    this.composer.unqueue(id);
    if (id === this.answers.where) await this.answers.halt();
    if (id === this.summary.where) await this.summary.halt();
    await this.told.asked(async () => {
      const beside = this.#neighbour(id);
      // What is gone takes no text any more, and undo brings back what was kept.
      if (id === this.thread.id) await this.composer.keep();
      await this.backend.deleteConversation(id);
      if (id === this.thread.id) this.#take(await (beside ? this.backend.openConversation(beside) : this.backend.newConversation()));
      this.conversations.cards = await this.backend.listConversations();
      this.told.offerUndo("deletedConversation", card.title, async () => {
        await this.composer.keep();
        const kept = this.composer.text;
        this.#take(await this.backend.restoreConversation(id), kept);
        this.conversations.cards = await this.backend.listConversations();
      });
    });
  }

  /** What is shown when this one is gone. */
  #neighbour(id: number): number | undefined {
    const { cards } = this.conversations;
    const at = cards.findIndex((card) => card.id === id);
    return (cards[at + 1] ?? cards[at - 1])?.id;
  }

  /** The conversation below or above the open one in the list. */
  async step(by: 1 | -1) {
    const { cards } = this.conversations;
    const next = cards[cards.findIndex((card) => card.id === this.thread.id) + by];
    if (next) await this.openConversation(next.id);
  }

  async #turnTo(fetch: () => Promise<Conversation>): Promise<boolean> {
    const turn = ++this.#turn;
    this.turning = true;
    const kept = this.composer.text;
    void this.leave();
    const done = await this.told.asked(async () => {
      const conversation = await fetch();
      // Someone who clicks through the list wants the last one.
      if (turn === this.#turn) this.#take(conversation, kept);
    });
    if (turn === this.#turn) this.turning = false;
    return done && turn === this.#turn;
  }

  /** `kept` is the unsent text that is on disk already: what was typed while the conversation was on its way is kept here. */
  #take(conversation: Conversation, kept = this.composer.text) {
    if (this.composer.text !== kept) void this.composer.keep();
    this.edits.take(conversation.messages);
    this.thread.show(conversation, this.answers.writing);
    this.composer.take(conversation);
    this.thread.goal = undefined;
    this.told.announcement = "conversationSaid";
  }

  #show(fetch: () => Promise<Conversation>) {
    const { id } = this.thread;
    return this.told.asked(async () => {
      const conversation = await fetch();
      this.edits.take(conversation.messages);
      if (this.thread.id === id) this.thread.show(conversation, this.answers.writing);
    });
  }

  /** Asks a question anew, in other words: a branch beside it. `sent` is called once it is on disk, which it may never be. */
  async edit(question: ShownMessage, text: string, sent: () => void = () => undefined) {
    // Or the same text would be kept as half an edit behind what was sent.
    await this.edits.keep();
    if (!this.free || !text.trim()) return;
    const { id } = this.thread;
    const kept = () => {
      this.edits.end(question, true);
      sent();
      if (question.attachments.length > 0) void this.told.behind(() => this.#copies(id));
    };
    await this.answers.send(text.trim(), { edited: question, sent: kept });
  }

  /** An edited question has copies of the files, of which something else may be read. */
  async #copies(id: number) {
    const { messages } = await this.backend.openConversation(id);
    if (this.thread.id !== id) return;
    for (const { id: message, attachments } of messages) {
      const shown = this.thread.messages[this.thread.at(message)];
      if (shown && attachments.length > 0) shown.attachments = attachments;
    }
  }

  async answerAgain(question = this.thread.question) {
    if (this.free && question) await this.answers.again(question);
  }

  /** Whether an answer was refused for what stands above its question. */
  tooLong(answer: ShownMessage): boolean {
    return refusedForLength(answer) && this.thread.leftOut + 2 < this.thread.messages.length;
  }

  /** Whether an answer was refused for its length, and a part of its question's files would do. */
  tooLongFiles(answer: ShownMessage): boolean {
    return !answer.text && refusedForLength(answer) && this.thread.question?.attachments.some(({ part }) => part === "whole") === true;
  }

  /** Answers the last question with only those passages of its files that go with it. */
  async readPassagesAndAnswer() {
    const { id, question } = this.thread;
    if (!this.free || !question) return;
    const chosen = await this.told.asked(async () => {
      await this.#copies(id);
      for (const file of question.attachments.filter(({ part }) => part === "whole")) {
        await this.backend.readPart(file.id, "passages");
        file.part = "passages";
      }
    });
    // Unless another conversation is shown by now.
    if (chosen && this.thread.id === id) await this.answerAgain();
  }

  /** Answers the last question without the oldest messages. */
  async leaveOutAndAnswer() {
    const { question } = this.thread;
    if (this.free && question && (await this.composer.leaveOut(question.id))) await this.answerAgain(question);
  }

  /** The model reads a summary in place of the oldest messages. */
  async summarise() {
    if (!this.free) return;
    await this.summary.write(this.composer.text.trim());
    void this.composer.measure();
    this.composer.flush();
  }

  /** Answers the last question with such a summary. */
  async summariseAndAnswer() {
    const { question } = this.thread;
    if (!this.free || !question) return;
    // The answer comes before what was sent meanwhile.
    if (await this.summary.write("", question.id)) await this.answerAgain(question);
    this.composer.flush();
  }

  /** The same for an answer that filled the conversation. */
  async summariseAndContinue(answer: ShownMessage) {
    const { question } = this.thread;
    if (!this.free || !question) return;
    // The rest of the answer comes before what was sent meanwhile.
    if (await this.summary.write("", question.id)) await this.continueAnswer(answer);
    this.composer.flush();
  }

  /** Whether an answer ended before it was done: stopped, cut by a limit, or interrupted. */
  continuable(answer: ShownMessage): boolean {
    if (answer.speaker !== "assistant" || !answer.text || answer.id !== this.thread.leaf?.id || this.answers.here) return false;
    const finish = answer.receipt?.finish;
    return finish === undefined || finish === "stopped" || finish === "length" || finish === "context_full";
  }

  /** Whether this conversation stays as it is, because something is written of it. */
  still = $derived.by(() => this.answers.here || this.summary.here);

  /** Whether the engine is at work: what it runs with does not change in the middle of that. */
  engaged = $derived.by(() => this.answers.busy || this.replay.running || this.summary.running || this.check.running);

  /** Whether Escape has something to take back or to stop. */
  pressing = $derived.by(() => this.composer.queued || this.answers.here || this.replay.running || this.summary.here);

  /** Takes back what waits, or stops what is being written here. */
  escape() {
    if (this.composer.queued) this.composer.unqueue();
    else if (this.summary.here) return this.summary.stop();
    else if (this.pressing) return this.answers.stop();
  }

  async continueAnswer(answer: ShownMessage) {
    if (this.free) await this.answers.continue(answer);
  }

  async chooseVersion(message: ShownMessage, step: 1 | -1) {
    const version = this.thread.beside(message, step);
    if (version === undefined || this.still) return;
    if (await this.#show(() => this.backend.chooseVersion(version))) this.told.announcement = "versionSaid";
  }

  async deleteMessage(message: ShownMessage) {
    if (this.still) return;
    const { id } = this.thread;
    const done = await this.#show(() => this.backend.deleteMessage(message.id));
    if (!done) return;
    void this.conversations.refresh();
    this.told.offerUndo("deletedMessage", message.text, async () => {
      const conversation = await this.backend.restoreMessage(message.id);
      if (this.thread.id === id) this.thread.show(conversation, this.answers.writing);
      void this.conversations.refresh();
    });
  }

  /** The reader has moved. Kept on disk once the scrolling rests. */
  read(place: Place | null) {
    this.thread.place = place;
    this.#moved = true;
    this.#rest.stir();
  }

  async #keepPlace() {
    this.#rest.done();
    if (!this.#moved) return;
    this.#moved = false;
    const { id, place } = this.thread;
    await this.told.behind(() => this.backend.savePlace(id, place));
  }

  /** The window, or this conversation, is about to go from the screen. */
  leave() {
    return Promise.all([this.composer.keep(), this.edits.keep(), this.#keepPlace()]);
  }

  /** Ends the program. */
  async quit() {
    await this.leave();
    await this.told.asked(() => this.backend.quit());
  }

  /** Ends the program and starts it anew. */
  async restart() {
    await this.leave();
    await this.told.asked(() => this.backend.restart());
  }
}
