import { expect, test, vi } from "vitest";
import { Refusal } from "../backend";
import { answered, asked, asking, frame, opened, said, still, texts } from "./bench";
import { blank, receipt } from "./written";

still();

test("however much text comes, it is painted once per frame", async () => {
  const { backend, session, sent } = await asked();
  for (const text of ["Be", "cau", "se"]) backend.on({ kind: "text", text });
  expect(texts(session)).toEqual(["Why?", ""]);
  expect(asking()).toBe(1);
  frame();
  expect(texts(session)).toEqual(["Why?", "Because"]);
  backend.on({ kind: "text", text: " of salt." });
  backend.on({ kind: "finished", receipt });
  expect(texts(session), "the end does not wait for a frame").toEqual(["Why?", "Because of salt."]);
  backend.end();
  await sent;
  expect(asking(), "nothing is painted twice").toBe(0);
  expect(session.answers.busy).toBe(false);
  expect(session.thread.receipt).toEqual(receipt);
});

test("screen readers hear the beginning and the end, not the words between", async () => {
  const { backend, session } = await asked();
  expect(session.told.announcement).toBe("thinking");
  backend.on({ kind: "text", text: "x" });
  frame();
  expect(session.told.announcement).toBe("thinking");
  backend.on({ kind: "finished", receipt });
  expect(session.told.announcement).toBe("answered");
});

test("an answer that breaks off keeps its text and its reason", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Beca" });
  backend.refuse(new Error("no end"));
  await sent;
  expect(session.thread.leaf).toMatchObject({ text: "Beca", problem: { code: "internal" } });
  expect(session.answers.busy).toBe(false);
  expect(session.told.announcement).toBe("");
});

test("a refused second try keeps the first answer; a new one becomes a version beside it", async () => {
  const { backend, session } = await answered();
  const again = session.answerAgain();
  expect(backend.calls.at(-1)).toEqual(["answerAgain", 11]);
  backend.refuse(new Refusal({ code: "busy", details: {} }));
  await again;
  expect(texts(session)).toEqual(["Why?", "Because."]);
  expect(session.told.problem?.code).toBe("busy");

  const third = session.answerAgain();
  backend.on({ kind: "saved", message: 11, answer: 13 });
  expect(texts(session), "the new answer is shown").toEqual(["Why?", ""]);
  expect(session.thread.leaf).toMatchObject({ id: 13, parent: 11, versions: [12, 13] });
  backend.on({ kind: "text", text: "Salt." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await third;
  expect(texts(session)).toEqual(["Why?", "Salt."]);
  expect(backend.named("openConversation"), "nothing has to be read again").toEqual([]);
});

test("a further answer without a word leaves the one before, and its problem is told", async () => {
  const { backend, session } = await answered();
  backend.stored.set(1, { ...blank(1), messages: [said(11, "user", "Why?"), said(12, "assistant", "Because.", { receipt })] });
  const again = session.answerAgain();
  backend.on({ kind: "saved", message: 11, answer: 13 });
  backend.on({ kind: "failed", problem: { code: "worker_gave_up", details: {} } });
  backend.end();
  await again;
  expect(texts(session)).toEqual(["Why?", "Because."]);
  expect(session.told.problem?.code).toBe("worker_gave_up");
});

test("an edited question is a branch beside the old one and takes over its files", async () => {
  const file = { id: 5, name: "a.csv", bytes: 9, characters: 9, tokens: 3, cut: false, part: "whole" as const };
  const messages = [said(1, "user", "Why?", { attachments: [file] }), said(2, "assistant", "Because.", { receipt }), said(3, "user", "And how?"), said(4, "assistant", "So.", { receipt })];
  const { backend, session } = await opened({ conversation: { ...blank(1), messages } });
  session.composer.text = "half a thought";
  const edited = session.edit(session.thread.messages[0]!, " Why not? ");
  await vi.waitFor(() => expect(backend.calls.at(-1)).toEqual(["send", 1, null, "Why not?", 1]));
  backend.on({ kind: "saved", message: 11, answer: 12 });
  expect(texts(session)).toEqual(["Why not?", ""]);
  expect(session.thread.messages[0]).toMatchObject({ versions: [1, 11], parent: null, attachments: [file] });
  expect(session.composer.text, "the composer is left alone").toBe("half a thought");
  expect(backend.calls.at(-1), "its copies of the files are asked for").toEqual(["openConversation", 1]);
  backend.on({ kind: "text", text: "Well." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await edited;
  expect(texts(session)).toEqual(["Why not?", "Well."]);
});

test("the text of an edited question is held until it is on disk", async () => {
  const { backend, session } = await answered();
  const question = session.thread.messages[0]!;
  session.edits.set(11, "Why not?");
  let times = 0;
  const edit = () => session.edit(question, "Why not?", () => times++);
  const refused = edit();
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(2));
  expect(backend.named("saveEdited"), "what was typed last is on disk before").toEqual([["saveEdited", 11, "Why not?"]]);
  backend.refuse(new Refusal({ code: "database_failed", details: {} }));
  await refused;
  expect([times, session.edits.get(11), session.told.problem?.code]).toEqual([0, "Why not?", "database_failed"]);
  expect(texts(session)).toEqual(["Why?", "Because."]);
  void edit();
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(3));
  expect(session.edits.get(11)).toBe("Why not?");
  backend.on({ kind: "saved", message: 13, answer: 14 });
  expect([times, session.edits.get(11)]).toEqual([1, undefined]);
});

test("an answer that was cut off goes on behind its text", async () => {
  const messages = [said(1, "user", "Why?"), said(2, "assistant", "Because ", { receipt: { ...receipt, finish: "length" } })];
  const { backend, session } = await opened({ conversation: { ...blank(1), messages } });
  const answer = session.thread.leaf!;
  expect(session.continuable(answer)).toBe(true);
  const going = session.continueAnswer(answer);
  backend.on({ kind: "saved", message: 1, answer: 2 });
  backend.on({ kind: "text", text: "of salt." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await going;
  expect(texts(session)).toEqual(["Why?", "Because of salt."]);
  expect(session.thread.leaf).toMatchObject({ id: 2, versions: [2], receipt });
  expect(session.continuable(session.thread.leaf!), "it is done now").toBe(false);
});

test("a full conversation goes on without its oldest messages, which is seen at once", async () => {
  const messages = [said(1, "user", "Hi"), said(2, "assistant", "Hello."), said(3, "user", "Why?"), said(4, "assistant", "Because ", { receipt: { ...receipt, finish: "context_full" } })];
  const { backend, session } = await opened({ conversation: { ...blank(1), messages, summary: "of nothing" } });
  const going = session.continueAnswer(session.thread.leaf!);
  backend.on({ kind: "left_out", last: 2 });
  expect([session.thread.leftOut, session.thread.summary]).toEqual([2, ""]);
  backend.on({ kind: "saved", message: 3, answer: 4 });
  backend.on({ kind: "text", text: "of salt." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await going;
  expect(texts(session).at(-1)).toBe("Because of salt.");
});

test("only the last answer can go on, and only one that was not done", () =>
  opened({ conversation: { ...blank(1), messages: [said(1, "user", "Why?"), said(2, "assistant", "Be"), said(3, "user", "?"), said(4, "assistant", "Be")] } }).then(({ session }) => {
    const able = (change: object) => session.continuable({ ...session.thread.leaf!, ...change });
    expect(session.continuable(session.thread.messages[1]!)).toBe(false);
    expect(able({}), "interrupted").toBe(true);
    expect(able({ receipt: { ...receipt, finish: "stopped" } })).toBe(true);
    expect(able({ receipt: { ...receipt, finish: "context_full" } })).toBe(true);
    expect(able({ receipt: { ...receipt, finish: "end" } })).toBe(false);
    expect(able({ text: "" })).toBe(false);
    expect(able({ id: 3, speaker: "user" })).toBe(false);
  }));

test("an answer goes on while another conversation is shown, and is there when one returns", async () => {
  const { backend, session, sent } = await asked();
  backend.on({ kind: "text", text: "Beca" });
  frame();
  await session.newConversation();
  expect(backend.named("stop")).toEqual([]);
  expect([session.answers.here, session.answers.busy]).toEqual([false, true]);
  backend.on({ kind: "text", text: "use" });
  frame();
  expect(texts(session)).toEqual([]);
  // On disk is a little less than was said.
  backend.stored.set(1, { ...blank(1), messages: [said(11, "user", "Why?"), said(12, "assistant", "Bec")] });
  await session.openConversation(1);
  expect(texts(session)).toEqual(["Why?", "Because"]);
  expect(session.answers.here).toBe(true);
  backend.on({ kind: "text", text: " of salt." });
  frame();
  expect(texts(session)).toEqual(["Why?", "Because of salt."]);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  expect(session.thread.leaf?.receipt).toEqual(receipt);
});

test("an answer that ends unseen leaves the shown conversation alone", async () => {
  const { backend, session, sent } = await asked();
  await session.newConversation();
  backend.on({ kind: "text", text: "Because." });
  backend.on({ kind: "failed", problem: { code: "worker_gave_up", details: {} } });
  backend.end();
  await sent;
  expect(texts(session)).toEqual([]);
  expect(session.told.problem).toBeUndefined();
});

test("a conversation that was opened before its answer was told of shows every message once", async () => {
  const { backend, session } = await opened();
  session.composer.text = "Why?";
  const sent = session.composer.send();
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(1));
  await session.newConversation();
  // Question and answer are on disk already, but nobody has said so.
  backend.stored.set(1, { ...blank(1), messages: [said(11, "user", "Why?"), said(12, "assistant", "")] });
  await session.openConversation(1);
  backend.on({ kind: "saved", message: 11, answer: 12 });
  backend.on({ kind: "text", text: "Because." });
  frame();
  expect(texts(session)).toEqual(["Why?", "Because."]);
  expect(session.thread.messages.map(({ id }) => id)).toEqual([11, 12]);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
});
