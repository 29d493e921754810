import { expect, test, vi } from "vitest";
import type { Conversation, Download } from "../backend";
import { answered, asked, opened, said, still, texts } from "./bench";
import { Told } from "./told.svelte";
import { blank, card, ready, receipt } from "./written";

still();

test("what comes in will answer by itself, unless it was paused or something answers already", async () => {
  const { backend, session } = await opened({ engine: { kind: "empty" } });
  const download = { ladder: "small", name: "Small", progress: null, leftOut: [], anew: false };
  const comes = (state: Download["state"]) => (backend.downloads([{ ...download, state }]), session.engine.coming);
  expect(session.engine.coming).toBe(false);
  expect([comes({ kind: "waiting" }), comes({ kind: "running" }), comes({ kind: "ready" })]).toEqual([true, true, true]);
  expect([comes({ kind: "paused" }), comes({ kind: "failed", problem: { code: "internal", details: {} } })]).toEqual([false, false]);
  backend.engine(ready);
  expect(comes({ kind: "running" })).toBe(false);
});

test("the end of a long answer is told, of a short one not, nor where it is not wanted", async () => {
  for (const [seconds, notify, problem, told] of [
    [30, true, false, [false]],
    [30, true, true, [true]],
    [30, false, false, []],
    [3, true, false, []],
  ] as const) {
    const { backend, session, sent } = await asked();
    session.chosen.now.notify = notify;
    const rested: boolean[] = [];
    session.rested = (broken) => rested.push(broken);
    backend.on({ kind: "text", text: "Because." });
    vi.setSystemTime(Date.now() + seconds * 1000);
    backend.on(problem ? { kind: "failed", problem: { code: "internal", details: {} } } : { kind: "finished", receipt });
    backend.end();
    await sent;
    expect(rested, `${seconds} ${notify} ${problem}`).toEqual(told);
  }
});

const first: Conversation = { ...blank(1), title: "First", messages: [said(1, "user", "Why?"), said(2, "assistant", "Because.")], unsent: "half" };
const second: Conversation = { ...blank(7), title: "Second", messages: [said(71, "user", "How?")], unsent: "a thought", place: { message: 71, offset: 5 } };

async function two() {
  const all = await opened({ conversation: first });
  all.backend.stored.set(7, second);
  await all.session.conversations.refresh();
  return all;
}

test("every conversation keeps its own unsent text and place", async () => {
  const { backend, session } = await two();
  session.composer.put("half a sentence");
  session.read({ message: 1, offset: 40 });
  await session.openConversation(7);
  expect(backend.named("saveUnsent")).toEqual([["saveUnsent", 1, "half a sentence"]]);
  expect(backend.named("savePlace")).toEqual([["savePlace", 1, { message: 1, offset: 40 }]]);
  expect([session.composer.text, session.thread.place]).toEqual(["a thought", { message: 71, offset: 5 }]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.named("savePlace"), "nothing is kept for the wrong one").toHaveLength(1);
});

test("what is typed while another conversation is opened, begun or had back is kept in the one that goes", async () => {
  const { backend, session } = await two();
  const typing = <A extends unknown[], R>(call: (...args: A) => Promise<R>, text: string) => async (...args: A) => {
    session.composer.put(text);
    return call(...args);
  };
  backend.openConversation = typing(backend.openConversation, "half a sentence");
  await session.openConversation(7);
  expect(backend.named("saveUnsent")).toEqual([["saveUnsent", 1, "half"], ["saveUnsent", 1, "half a sentence"]]);
  expect(session.composer.text).toBe("a thought");
  backend.newConversation = typing(backend.newConversation, "a thought more");
  await session.newConversation();
  expect(backend.named("saveUnsent").at(-1)).toEqual(["saveUnsent", 7, "a thought more"]);
  await session.deleteConversation(session.conversations.cards.find(({ id }) => id === 7)!);
  backend.restoreConversation = typing(backend.restoreConversation, "new");
  await session.told.takeBack();
  expect(backend.named("saveUnsent").at(-1)).toEqual(["saveUnsent", 2, "new"]);
});

test("what was typed in a conversation is kept before it is deleted, so that undo has it", async () => {
  const { backend, session } = await two();
  session.composer.put("half a sentence");
  await session.deleteConversation(session.conversations.cards[0]!);
  expect(backend.calls.slice(0, 2)).toEqual([["saveUnsent", 1, "half a sentence"], ["deleteConversation", 1]]);
  await session.deleteConversation({ ...session.conversations.cards[0]!, id: 1 });
  expect(backend.named("saveUnsent"), "one that is not shown has nothing new").toHaveLength(1);
});

test("of two clicks in the list the last one counts", async () => {
  const { backend, session } = await two();
  const open = backend.openConversation;
  let late: () => void = () => undefined;
  backend.openConversation = async (id) => {
    if (id === 7) await new Promise<void>((resolve) => (late = resolve));
    return open(id);
  };
  const slow = session.openConversation(7);
  backend.stored.set(8, { ...blank(8), title: "Third" });
  await session.openConversation(8);
  late();
  await slow;
  expect([session.thread.title, session.turning]).toEqual(["Third", false]);
});

test("a hit on a branch that is not shown brings its branch", async () => {
  const { backend, session } = await two();
  const branch = { ...first, messages: [said(5, "user", "Why not?")] };
  await session.openConversation(1, 2);
  expect(backend.named("chooseVersion")).toEqual([]);
  expect(session.thread.goal).toBe(2);
  backend.stored.set(1, branch);
  await session.openConversation(1, 5);
  expect(backend.named("chooseVersion")).toEqual([["chooseVersion", 5]]);
  expect([texts(session), session.thread.goal]).toEqual([["Why not?"], 5]);
});

test("an empty conversation is not begun twice", async () => {
  const { backend, session } = await opened();
  await session.newConversation();
  expect(session.thread.id).toBe(1);
  session.composer.text = "for another one";
  await session.newConversation();
  expect(session.thread.id).toBe(2);
  expect(backend.named("saveUnsent")).toEqual([["saveUnsent", 1, "for another one"]]);
  expect(session.composer.text).toBe("");
});

test("a deleted conversation makes room for its neighbour and can be had back", async () => {
  const { backend, session } = await two();
  await session.deleteConversation(session.conversations.cards[0]!);
  expect(backend.named("deleteConversation")).toEqual([["deleteConversation", 1]]);
  expect(session.thread.title).toBe("Second");
  expect(session.told.undo).toMatchObject({ what: "deletedConversation", name: "First" });
  await session.told.takeBack();
  expect(backend.named("restoreConversation")).toEqual([["restoreConversation", 1]]);
  expect([session.thread.title, session.told.undo, session.told.announcement]).toEqual(["First", undefined, "restoredSaid"]);
});

test("a deletion can be had back by keyboard when its offer has gone, but a field that is written in comes first", async () => {
  const told = new Told();
  const back: string[] = [];
  for (const name of ["first", "second"]) told.offerUndo("deletedMessage", name, async () => void back.push(name));
  told.settle();
  expect([told.undo, told.takesBack(true)]).toEqual([undefined, true]);
  told.typed();
  expect([told.takesBack(true), told.takesBack(false)]).toEqual([false, true]);
  await told.takeBack();
  expect([back, told.undo?.name]).toEqual([["second"], undefined]);
  await told.takeBack();
  expect([back, told.takesBack(false)]).toEqual([["second", "first"], false]);
});

test("the offer to undo goes by itself, but not while it is looked at", async () => {
  const { session } = await two();
  await session.deleteConversation(session.conversations.cards[1]!);
  session.told.pause();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(session.told.undo).toBeDefined();
  session.told.resume();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(session.told.undo).toBeUndefined();
});

test("a conversation that is being answered is stopped before it is deleted", async () => {
  const { backend, session } = await asked();
  const deleted = session.deleteConversation(session.conversations.cards[0]!);
  await vi.advanceTimersByTimeAsync(0);
  expect([backend.named("stop").length, backend.named("deleteConversation").length]).toEqual([1, 0]);
  backend.on({ kind: "finished", receipt: { ...receipt, finish: "stopped" } });
  backend.end();
  await deleted;
  expect([session.answers.busy, backend.named("deleteConversation").length]).toEqual([false, 1]);
});

test("a deleted message comes back where it was", async () => {
  const { backend, session } = await answered();
  backend.stored.set(1, { ...blank(1), messages: [said(11, "user", "Why?"), said(12, "assistant", "Because.")] });
  await session.deleteMessage(session.thread.messages[0]!);
  expect(texts(session)).toEqual([]);
  await session.told.takeBack();
  expect(backend.named("restoreMessage")).toEqual([["restoreMessage", 11]]);
  expect(texts(session)).toEqual(["Why?", "Because."]);
});

test("versions are turned over one by one and end at both ends", async () => {
  const { backend, session } = await opened({ conversation: { ...blank(1), messages: [said(4, "user", "Why?", { versions: [1, 4, 6] })] } });
  const message = session.thread.messages[0]!;
  await session.chooseVersion(message, 1);
  await session.chooseVersion(message, -1);
  await session.chooseVersion({ ...message, id: 6 }, 1);
  expect(backend.named("chooseVersion")).toEqual([["chooseVersion", 6], ["chooseVersion", 1]]);
});

test("while an answer is written its branch stays", async () => {
  const { backend, session } = await asked();
  await session.deleteMessage(session.thread.messages[0]!);
  await session.chooseVersion({ ...session.thread.messages[0]!, versions: [9, 11] }, -1);
  expect([backend.named("deleteMessage"), backend.named("chooseVersion")]).toEqual([[], []]);
});

test("what goes on in the background settles no problem", async () => {
  const { session } = await opened();
  session.told.problem = { code: "busy", details: {} };
  await session.composer.keep();
  expect(session.told.problem.code).toBe("busy");
  await session.chosen.change({ speedUp: false });
  expect(session.told.problem).toBeUndefined();
  expect(session.chosen.now.speedUp).toBe(false);
});

test("what is installed is read again when a download ends", async () => {
  const { backend, session } = await opened();
  backend.opening.ladders = [card()];
  backend.downloads([{ ladder: "a", name: "A", state: { kind: "running" }, progress: null, leftOut: [], anew: false }]);
  expect(session.ladder).toBeUndefined();
  backend.downloads([]);
  await vi.waitFor(() => expect(session.ladder).toEqual(card()));
});

test("the zoom goes by the steps of browsers and not beyond", async () => {
  const { session } = await opened();
  const { chosen } = session;
  await chosen.zoomIn();
  expect(chosen.now.zoom).toBe(1.1);
  for (let step = 0; step < 20; step++) await chosen.zoomIn();
  expect(chosen.now.zoom).toBe(2);
  await chosen.zoomBack();
  for (let step = 0; step < 20; step++) await chosen.zoomOut();
  expect(chosen.now.zoom).toBe(0.5);
});

test("instructions are kept, changed and dropped by their place", async () => {
  const { chosen } = (await opened()).session;
  await chosen.keepPreset(0, { name: "a", text: "A" });
  await chosen.keepPreset(1, { name: "b", text: "B" });
  await chosen.keepPreset(0, { name: "c", text: "C" });
  await chosen.dropPreset(1);
  expect(chosen.now.presets).toEqual([{ name: "c", text: "C" }]);
});
