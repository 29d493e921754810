import { expect, test, vi } from "vitest";
import { Refusal } from "../backend";
import { answered, asked, opened, said, still, texts } from "./bench";
import { blank, ready, receipt } from "./written";

still();

const loading = { kind: "loading", ladder: "a", rung: "A", fraction: 0.5 } as const;

test("a message stands below the last one", async () => {
  const { backend, session } = await opened({ conversation: { ...blank(1), messages: [said(1, "user", "Why?"), said(2, "assistant", "Because.", { receipt })] } });
  session.composer.text = "And how?";
  void session.composer.send();
  await vi.waitFor(() => expect(backend.calls.at(-1)).toEqual(["send", 1, 2, "And how?", null]));
});

test("text typed after Enter stays in the composer", async () => {
  const { backend, session } = await opened();
  session.composer.text = "Why? ";
  void session.composer.send();
  await vi.waitFor(() => expect(backend.calls.at(-1)).toEqual(["send", 1, null, "Why?", null]));
  session.composer.text = "Why? And how?";
  backend.on({ kind: "saved", message: 11, answer: 12 });
  expect(session.composer.text).toBe("And how?");
});

test("a message is kept unsent before it is sent, never after", async () => {
  const { backend, session } = await opened();
  let kept: () => void = () => undefined;
  backend.saveUnsent = () => new Promise<void>((resolve) => (kept = resolve));
  session.composer.put("Why?");
  await vi.advanceTimersByTimeAsync(1000);
  void session.composer.send();
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.calls).toEqual([]);
  kept();
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.calls).toEqual([["send", 1, null, "Why?", null]]);
});

test("a message that another conversation was opened behind is sent in its own, once all is kept", async () => {
  const { backend, session } = await opened();
  const keep = backend.saveUnsent;
  let kept: () => void = () => undefined;
  backend.saveUnsent = async (id, text) => {
    await new Promise<void>((resolve) => (kept = resolve));
    return keep(id, text);
  };
  session.composer.put("Why?");
  await vi.advanceTimersByTimeAsync(1000);
  const sent = session.composer.send();
  const slow = kept;
  await session.newConversation();
  slow();
  await sent;
  kept();
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([["send", 1, null, "Why?", null]]);
  expect(backend.calls.findIndex(([name]) => name === "send")).toBeGreaterThan(backend.calls.findLastIndex(([name, id]) => name === "saveUnsent" && id === 1));
  expect(backend.named("saveUnsent").at(-1), "it is where it was typed").toEqual(["saveUnsent", 1, "Why?"]);
});

test("unsent text is kept once the keys rest", async () => {
  const { backend, session } = await opened();
  for (const text of ["W", "Wh", "Why"]) {
    session.composer.put(text);
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(backend.calls).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.calls).toEqual([["saveUnsent", 1, "Why"]]);
});

test("without a model a message waits until there is one, through failures and changes of mind", async () => {
  const { backend, session } = await opened({ engine: { kind: "empty" } });
  session.composer.text = "Why?";
  await session.composer.send();
  expect([session.composer.queued, session.told.announcement, session.told.problem]).toEqual([true, "queuedSaid", undefined]);
  for (const state of [loading, { kind: "failed", problem: { code: "model_damaged", details: {} } }, { kind: "empty" }, loading] as const) backend.engine(state);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([]);
  expect([session.composer.queued, session.composer.text]).toEqual([true, "Why?"]);
  backend.engine(ready);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([["send", 1, null, "Why?", null]]);
});

test("what is known to be too long is not sent and stays in the composer", async () => {
  const { backend, session } = await opened();
  backend.size = { tokens: 12, context: 10, least: 12 };
  session.composer.put("Why?");
  await vi.advanceTimersByTimeAsync(1000);
  await session.composer.send();
  expect([backend.named("send").length, session.composer.text, session.composer.queued]).toEqual([0, "Why?", false]);
  session.composer.text = "Shorter";
  void session.composer.send();
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send"), "of another text nothing is known yet").toHaveLength(1);
});


test("a message waits for a model that is coming and is then sent by itself, once", async () => {
  const { backend, session } = await opened({ engine: loading });
  session.composer.text = "Why?";
  await session.composer.send();
  await session.composer.send();
  expect([session.composer.queued, session.told.announcement]).toEqual([true, "queuedSaid"]);
  backend.engine({ ...loading, fraction: 0.9 });
  expect(backend.named("send")).toEqual([]);
  backend.engine(ready);
  backend.engine(ready);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([["send", 1, null, "Why?", null]]);
  expect(session.composer.queued).toBe(false);
});

test("what waits can be taken back, by hand or by typing on", async () => {
  const { backend, session } = await opened({ engine: loading });
  session.composer.text = "Why?";
  await session.composer.send();
  void session.escape();
  expect([session.composer.queued, session.composer.text]).toEqual([false, "Why?"]);
  await session.composer.send();
  session.composer.put("Why not");
  backend.engine(ready);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([]);
});

test("what waits is sent in its own conversation, whichever is shown, one after the other", async () => {
  const { backend, session } = await opened({ engine: loading, conversation: { ...blank(1), messages: [said(1, "user", "Hi."), said(2, "assistant", "Hello.")] } });
  session.composer.text = "Why?";
  await session.composer.send();
  await session.newConversation();
  expect([session.thread.id, session.composer.text, session.composer.queued]).toEqual([2, "", false]);
  session.composer.text = "And how?";
  await session.composer.send();
  backend.engine(ready);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([["send", 1, 2, "Why?", null]]);
  backend.on({ kind: "saved", message: 11, answer: 12 });
  backend.on({ kind: "text", text: "Because." });
  expect(texts(session), "the shown conversation is another").toEqual([]);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send").at(-1)).toEqual(["send", 2, null, "And how?", null]);
  expect(session.composer.waiting).toEqual([]);
});

test("who returns to a conversation finds its message waiting, behind the answer that was written meanwhile", async () => {
  const { backend, session, sent } = await asked();
  session.composer.text = "And how?";
  await session.composer.send();
  await session.newConversation();
  backend.stored.set(1, { ...blank(1), unsent: "And how?", messages: [said(11, "user", "Why?"), said(12, "assistant", "")] });
  await session.openConversation(1);
  expect([session.composer.queued, session.composer.text]).toEqual([true, "And how?"]);
  await session.openConversation(2);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send").at(-1)).toEqual(["send", 1, 12, "And how?", null]);
});

test("what waits in a deleted conversation is not sent; a refusal of what waited is told", async () => {
  const { backend, session } = await opened({ engine: loading });
  session.composer.text = "Why?";
  await session.composer.send();
  await session.newConversation();
  session.composer.text = "How?";
  await session.composer.send();
  backend.stored.set(1, { ...blank(1), unsent: "Why?" });
  await session.openConversation(1);
  await session.deleteConversation({ id: 2, title: "", pinned: false, atMs: 0, messages: 0 });
  await session.newConversation();
  backend.engine(ready);
  await vi.advanceTimersByTimeAsync(0);
  expect(backend.named("send")).toEqual([["send", 1, null, "Why?", null]]);
  backend.refuse(new Refusal({ code: "disk_full", details: {} }));
  await vi.advanceTimersByTimeAsync(0);
  expect([backend.named("send").length, session.told.problem?.code]).toEqual([1, "disk_full"]);
});

test("a second question waits for the first answer", async () => {
  const { backend, session, sent } = await asked();
  session.composer.text = "And how?";
  await session.composer.send();
  expect(backend.named("send")).toHaveLength(1);
  backend.on({ kind: "text", text: "Because." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await sent;
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(2));
  expect(backend.named("send")[1]).toEqual(["send", 1, 12, "And how?", null]);
});

test("files go along with the message; one that is refused says why and the others are there", async () => {
  const { backend, session } = await opened();
  const take = backend.attach;
  backend.attach = async (id, name, bytes) => {
    if (name === "b.pdf") throw new Refusal({ code: "document_unknown", details: { name } });
    return take(id, name, bytes);
  };
  const attaching = session.composer.attach([new File(["abc"], "a.txt"), new File(["x"], "b.pdf"), new File(["xy"], "c.md")]);
  session.composer.text = "Sum up.";
  await session.composer.send();
  expect(backend.named("send"), "not before they are read").toEqual([]);
  await attaching;
  expect(session.composer.attached.map(({ name }) => name)).toEqual(["a.txt", "c.md"]);
  expect(session.composer.refused).toMatchObject([{ name: "b.pdf", problem: { code: "document_unknown" } }]);
  void session.composer.send();
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(1));
  backend.on({ kind: "saved", message: 11, answer: 12 });
  expect(session.thread.messages[0]?.attachments.map(({ name }) => name)).toEqual(["a.txt", "c.md"]);
  expect(session.composer.attached).toEqual([]);
});

test("a file that was read while its conversation was left and opened again is there once", async () => {
  const { backend, session } = await opened();
  const take = backend.attach;
  let read: () => void = () => undefined;
  backend.attach = async (id, name, bytes) => {
    const card = await take(id, name, bytes);
    backend.stored.set(1, { ...blank(1), attached: [card] });
    await new Promise<void>((resolve) => (read = resolve));
    return card;
  };
  const attaching = session.composer.attach([new File(["abc"], "a.txt")]);
  await vi.waitFor(() => expect(backend.named("attach")).toHaveLength(1));
  session.composer.text = "Sum up.";
  await session.newConversation();
  await session.openConversation(1);
  read();
  await attaching;
  expect(session.composer.attached.map(({ name }) => name)).toEqual(["a.txt"]);
});

test("what is too large or too many is refused before it is read", async () => {
  const { backend, session } = await opened();
  const files = [new File(["x".repeat(1001)], "large.txt"), ...["a", "b", "c", "d"].map((name) => new File(["x"], name))];
  await session.composer.attach(files);
  expect(backend.named("attach").map(([, , name]) => name)).toEqual(["a", "b", "c"]);
  expect(session.composer.refused.map(({ name, problem }) => [name, problem.code])).toEqual([
    ["large.txt", "document_too_large"],
    ["d", "attachments_too_many"],
  ]);
});

test("what stands above is left out only where that helps", async () => {
  const { backend, session } = await answered();
  for (const [tokens, least, helps] of [
    [12, 3, true],
    [12, 11, false],
    [null, null, false],
    [9, null, true],
  ] as const) {
    backend.size = { tokens, context: 10, least };
    session.composer.put(`Why ${tokens} ${least}?`);
    await vi.advanceTimersByTimeAsync(1000);
    expect(session.composer.canLeaveOut, `${tokens} ${least}`).toBe(helps);
  }
});

test("of a file only a part is read if one wants that, and of the longest first", async () => {
  const { backend, session } = await opened();
  backend.size = { tokens: 12, context: 10, least: 12 };
  await session.composer.attach([new File(["ab"], "a.txt"), new File(["abc"], "b.txt")]);
  const { longest } = session.composer;
  expect(longest?.name).toBe("b.txt");
  await session.composer.readPart(longest!, "passages");
  expect(backend.named("readPart")).toEqual([["readPart", longest!.id, "passages"]]);
  expect(session.composer.attached.map(({ part }) => part)).toEqual(["whole", "passages"]);
  expect(session.composer.longest?.name, "the other one is read whole still").toBe("a.txt");
});

test("how full the conversation is, is asked once the keys rest and forgotten when the text is another", async () => {
  const { backend, session } = await opened();
  backend.size = { tokens: 9, context: 10, least: null };
  session.composer.put("Why?");
  await vi.advanceTimersByTimeAsync(1000);
  expect(session.composer.size).toEqual({ tokens: 9, context: 10, least: null });
  session.composer.put("");
  await vi.advanceTimersByTimeAsync(1000);
  expect(session.composer.size).toBeNull();
});

test("a message waits for a replay too", async () => {
  const { backend, session } = await answered();
  const replaying = session.replay.run(session.thread.leaf!);
  session.composer.text = "And how?";
  await session.composer.send();
  expect([session.composer.queued, backend.named("send").length]).toEqual([true, 1]);
  backend.on({ kind: "finished", receipt });
  backend.end();
  await replaying;
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(2));
});
