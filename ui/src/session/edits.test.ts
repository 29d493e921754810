import { beforeEach, afterEach, expect, test, vi } from "vitest";
import { fresh } from "./answers.svelte";
import { Edits } from "./edits";
import { Told } from "./told.svelte";
import { Written } from "./written";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is written in the place of a question is kept once the keys rest, and forgotten with the edit", async () => {
  const backend = new Written();
  const edits = new Edits(backend, new Told());
  const question = fresh({ id: 7, parent: null, speaker: "user", text: "Why?", edited: "Why n" });
  edits.take([question]);
  expect([edits.get(7), edits.last([question])]).toEqual(["Why n", 7]);
  edits.set(7, "Why no");
  edits.set(7, "Why not");
  edits.take([question]);
  expect(edits.get(7), "what was typed since is newer").toBe("Why not");
  await vi.advanceTimersByTimeAsync(1000);
  edits.end(question);
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.named("saveEdited")).toEqual([
    ["saveEdited", 7, "Why not"],
    ["saveEdited", 7, null],
  ]);
  expect([question.edited, edits.last([question])]).toEqual([null, undefined]);
});

test("one that was sent is not kept behind it", async () => {
  const backend = new Written();
  const edits = new Edits(backend, new Told());
  edits.set(7, "Why not?");
  edits.end(fresh({ id: 7, parent: null, speaker: "user", text: "Why?" }), true);
  await vi.advanceTimersByTimeAsync(1000);
  expect(backend.named("saveEdited")).toEqual([]);
});
