import { expect, test, vi } from "vitest";
import { Chosen } from "./choices.svelte";
import { ageOf } from "./conversations.svelte";
import { compare, Replay } from "./replay.svelte";
import { Search } from "./search.svelte";
import { Summary } from "./summary.svelte";
import { Thread } from "./thread.svelte";
import { Told } from "./told.svelte";
import { fresh } from "./answers.svelte";
import { blank, receipt, Written } from "./written";
import { Refusal } from "../backend";
import { still } from "./bench";

still();

test("a day is what the clock on the wall says, not 24 hours", () => {
  const now = new Date(2026, 2, 10, 0, 30).getTime();
  const card = (at: Date, pinned = false) => ({ id: 1, title: "", pinned, atMs: at.getTime(), messages: 0 });
  expect(ageOf(card(new Date(2026, 2, 10, 0, 1)), now)).toBe("today");
  expect(ageOf(card(new Date(2026, 2, 9, 23, 59)), now)).toBe("yesterday");
  expect(ageOf(card(new Date(2026, 2, 9, 0, 0)), now)).toBe("yesterday");
  expect(ageOf(card(new Date(2026, 2, 8, 23, 59)), now)).toBe("earlier");
  expect(ageOf(card(new Date(2020, 0, 1), true), now)).toBe("pinned");
});

const hit = (title: string) => ({ conversation: 1, title, message: null, before: "", hit: title, after: "", file: false, inFile: null, atMs: 0 });

test("the search asks once the keys rest, and a late answer does not replace a newer one", async () => {
  const backend = new Written();
  const search = new Search(backend);
  const answers: ((found: ReturnType<typeof hit>[]) => void)[] = [];
  const asked: string[] = [];
  backend.search = (text) => (asked.push(text), new Promise((resolve) => answers.push(resolve)));
  for (const text of ["見", "見積"]) {
    search.text = text;
    search.typed();
  }
  expect(search.searching).toBe(true);
  await vi.advanceTimersByTimeAsync(1000);
  search.text = "見積書";
  search.typed();
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toEqual(["見積", "見積書"]);
  answers[1]?.([hit("new")]);
  await vi.advanceTimersByTimeAsync(0);
  answers[0]?.([hit("old")]);
  await vi.advanceTimersByTimeAsync(0);
  expect(search.found.map(({ title }) => title)).toEqual(["new"]);
  expect(search.searching).toBe(false);
  search.clear();
  expect([search.active, search.found]).toEqual([false, []]);
});

test("a search that fails says so and forgets its hits", async () => {
  const backend = new Written();
  const search = new Search(backend);
  backend.search = () => Promise.reject(new Error("disk"));
  search.text = "x";
  search.typed();
  await vi.advanceTimersByTimeAsync(1000);
  expect([search.problem?.code, search.searching, search.found]).toEqual(["internal", false, []]);
});

test("a replay is the same only to the last character; one of a cut answer as far as that goes", () => {
  expect(compare("abc", "abc", false)).toEqual({ same: true });
  expect(compare("abc", "abcd", false)).toEqual({ same: false, at: 3 });
  expect(compare("abc", "abcd", true)).toEqual({ same: true });
  expect(compare("abc", "abd", true)).toEqual({ same: false, at: 2 });
  expect(compare("abc", "ab", true)).toEqual({ same: false, at: 2 });
});

const answer = (finish: "end" | "stopped", text = "Because.") => fresh({ id: 2, parent: 1, speaker: "assistant", text, receipt: { ...receipt, finish } });

test("a replay compares, and nothing of it stays in the conversation", async () => {
  const backend = new Written();
  const replay = new Replay(backend);
  const running = replay.run(answer("end"));
  expect(backend.calls).toEqual([["replay", 2]]);
  backend.on({ kind: "text", text: "Becau" });
  expect([replay.running, replay.length, replay.verdict]).toEqual([true, 5, undefined]);
  backend.on({ kind: "text", text: "se." });
  backend.on({ kind: "finished", receipt });
  backend.end();
  await running;
  expect([replay.running, replay.verdict, replay.receipt]).toEqual([false, { same: true }, receipt]);
});

test("the replay of a stopped answer is stopped where that was; one stopped by hand has no verdict", async () => {
  const backend = new Written();
  const replay = new Replay(backend);
  const enough = replay.run(answer("stopped", "Beca"));
  backend.on({ kind: "text", text: "Because" });
  backend.on({ kind: "text", text: " of" });
  expect(backend.named("stop")).toHaveLength(1);
  backend.on({ kind: "finished", receipt: { ...receipt, finish: "stopped" } });
  backend.end();
  await enough;
  expect(replay.verdict).toEqual({ same: true });

  const early = replay.run(answer("end"));
  expect(replay.verdict, "the last one is forgotten").toBeUndefined();
  backend.on({ kind: "text", text: "Beca" });
  backend.on({ kind: "finished", receipt: { ...receipt, finish: "stopped" } });
  backend.end();
  await early;
  expect(replay.verdict).toBeUndefined();
});

test("of two quick changes none undoes the other, whichever the disk takes longer for", async () => {
  const backend = new Written();
  const waiting: (() => void)[] = [];
  backend.changeSettings = (settings) => new Promise((resolve) => waiting.push(() => resolve(settings)));
  const chosen = new Chosen(backend, new Told());
  const both = Promise.all([chosen.change({ exact: true }), chosen.change({ speedUp: false })]);
  await vi.advanceTimersByTimeAsync(0);
  expect(waiting, "the second waits for the first").toHaveLength(1);
  waiting.shift()?.();
  await vi.advanceTimersByTimeAsync(0);
  waiting.shift()?.();
  await both;
  expect(chosen.now).toMatchObject({ exact: true, speedUp: false });
});

function summary() {
  const [backend, told, thread] = [new Written(), new Told(), new Thread()];
  thread.show(blank(1));
  return { backend, told, thread, summary: new Summary(backend, told, thread) };
}

test("a summary is read in the place of the oldest messages of its own conversation only", async () => {
  const { backend, told, thread, summary: one } = summary();
  const done = one.write("And then?");
  expect(one.here).toBe(true);
  expect(await one.write("again")).toBe(false);
  backend.on({ kind: "reading", done: 1, total: 4 });
  expect(one.reading).toBe(0.25);
  backend.on({ kind: "reading", done: 4, total: 4 });
  expect(one.reading).toBe(undefined);
  backend.end();
  expect(await done).toBe(true);
  expect([thread.lastLeftOut, thread.summary, told.announcement, one.running]).toEqual([5, "of the first five", "summarisedSaid", false]);
  const late = one.write("And then?");
  thread.show(blank(2));
  backend.end();
  expect(await late).toBe(false);
  expect([thread.lastLeftOut, thread.summary]).toEqual([0, ""]);
});

test("a summary that is stopped before it begins is stopped once it does, and leaves all as it was", async () => {
  const { backend, told, thread, summary: one } = summary();
  const done = one.write("And then?", 3);
  await one.stop();
  backend.on({ kind: "reading", done: 0, total: 9 });
  expect(backend.named("stop")).toHaveLength(2);
  backend.refuse(new Refusal({ code: "cancelled", details: {} }));
  expect(await done).toBe(false);
  expect([thread.lastLeftOut, thread.summary, told.problem, told.announcement]).toEqual([0, "", undefined, "stopped"]);
});

test("what is gone is a problem only where it is looked at", async () => {
  const { backend, told, thread, summary: one } = summary();
  const done = one.write("");
  thread.show(blank(2));
  backend.refuse(new Refusal({ code: "gone", details: {} }));
  await done;
  expect(told.problem).toBe(undefined);
});
