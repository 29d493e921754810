import { expect, test, vi } from "vitest";
import { Refusal, type Download, type DownloadState } from "../backend";
import { opened, still } from "./bench";
import { PIECE } from "./dropped.svelte";
import { card, model, ready } from "./written";

still();

const entry = (ladder: string, kind: Exclude<DownloadState["kind"], "failed" | "interrupted">): Download => ({ ladder, name: ladder.toUpperCase(), state: { kind }, progress: null, leftOut: [], anew: false });
const failed = (ladder: string): Download => ({ ...entry(ladder, "paused"), state: { kind: "failed", problem: { code: "download_failed", details: {} } } });

test("what a download does is told at its beginning and its end, not at every step", async () => {
  const { backend, session } = await opened();
  const { downloads } = session;
  const said: string[] = [];
  const tell = (...queue: Download[]) => {
    const before = downloads.said;
    backend.downloads(queue);
    said.push(downloads.said === before ? "" : downloads.said.map(({ what, name }) => `${what} ${name}`).join(", "));
  };
  tell(entry("a", "asking"), entry("b", "waiting"));
  tell(entry("a", "running"), entry("b", "waiting"));
  tell(entry("a", "running"), entry("b", "waiting"));
  tell(entry("a", "checking"), entry("b", "waiting"));
  tell(entry("b", "asking"));
  tell(entry("b", "paused"));
  tell(entry("b", "running"));
  tell(failed("b"));
  tell(entry("b", "running"));
  tell(entry("b", "ready"));
  tell();
  expect(said).toEqual(["downloadBegan A", "", "", "", "downloadDone A, downloadBegan B", "", "downloadBegan B", "downloadBroke B", "downloadBegan B", "downloadDone B", ""]);
});

test("what is taken out has not ended; undone, it is fetched anew", async () => {
  const { backend, session } = await opened();
  const { downloads, told } = session;
  backend.downloads([entry("a", "running")]);
  const began = downloads.said;
  expect(await downloads.drop(entry("a", "running"))).toBe(true);
  backend.downloads([]);
  expect(downloads.said).toBe(began);
  expect(told.undo).toMatchObject({ what: "droppedDownload", name: "A" });
  await told.takeBack();
  expect(backend.named("downloadLadder")).toEqual([["downloadLadder", "a", true, false]]);
  // One that could not be taken out ends like any other.
  backend.dropDownload = () => Promise.reject(new Refusal({ code: "internal", details: {} }));
  backend.downloads([entry("a", "running")]);
  expect(await downloads.drop(entry("a", "running"))).toBe(false);
  backend.downloads([]);
  expect(downloads.said).toEqual([{ what: "downloadDone", name: "A" }]);
});

test("the one at work stands before those that are paused, and those before the waiting ones", async () => {
  const { backend, session } = await opened();
  const now = (...queue: Download[]) => (backend.downloads(queue), session.downloads.now?.ladder);
  expect(now()).toBeUndefined();
  expect(now(entry("a", "waiting"))).toBe("a");
  expect(now(entry("a", "waiting"), failed("b"))).toBe("b");
  expect(now(entry("a", "waiting"), failed("b"), entry("c", "checking"))).toBe("c");
});

test("what is left out of a ladder is told once", async () => {
  const { backend, session } = await opened();
  const { downloads } = session;
  const problem = { code: "tokenizers_differ" as const, details: { rung: "B" } };
  backend.downloads([entry("a", "asking")]);
  backend.downloads([{ ...entry("a", "running"), leftOut: [problem] }]);
  expect(downloads.said).toEqual([{ what: "downloadWithout", name: "A" }]);
  backend.downloads([{ ...entry("a", "checking"), leftOut: [problem] }]);
  backend.downloads([]);
  expect(downloads.said).toEqual([{ what: "downloadDone", name: "A" }]);
});

test("what is begun anew is told once", async () => {
  const { backend, session } = await opened();
  const { downloads } = session;
  backend.downloads([entry("a", "checking")]);
  backend.downloads([{ ...entry("a", "running"), anew: true }]);
  expect(downloads.said).toEqual([{ what: "downloadAnew", name: "A" }]);
  backend.downloads([{ ...entry("a", "checking"), anew: true }]);
  backend.downloads([]);
  expect(downloads.said).toEqual([{ what: "downloadDone", name: "A" }]);
});

test("what is missing comes through the queue, and what is here is used", async () => {
  const { backend, session } = await opened({ engine: { kind: "empty" } });
  await session.ladders.use(card({ missingBytes: 5 }));
  expect(backend.named("downloadLadder")).toEqual([["downloadLadder", "a", true, false]]);
  backend.engine(ready);
  await session.ladders.use(card());
  expect(session.chosen.now.ladder).toBe("a");
});

test("what was made is used, and that is told only if it is", async () => {
  const { backend, session } = await opened();
  const { ladders } = session;
  await ladders.make("Mine", ["a"]);
  expect(ladders.added).toEqual({ what: "ladder", name: "Mine", ladder: "made" });
  await ladders.useAdded(card({ id: "made", name: "Mine" }));
  expect([session.chosen.now.ladder, ladders.added]).toEqual(["made", { what: "used", name: "Mine" }]);
  backend.changeSettings = () => Promise.reject(new Refusal({ code: "busy", details: {} }));
  await ladders.useAdded(card({ id: "other" }));
  expect([session.chosen.now.ladder, ladders.added]).toEqual(["made", undefined]);
});

const file = (name: string, bytes: number) => new File([new Uint8Array(bytes)], name);

test("of what is dropped, models and recipes are told from files to ask about", async () => {
  const { session } = await opened();
  const toml = (text: string) => new File([text], "x.TOML");
  const recipe = toml('taki_recipe = 1\nname = "x"');
  const model = file("a.GGUF", 3);
  const others = [toml("[package]\nname = 'taki_recipe = 1'"), file("a.txt", 3), toml("x".repeat(300_000) + "\ntaki_recipe = 1")];
  expect(await session.dropped.sort([model, ...others, recipe])).toEqual({ models: [model, recipe], others });
});

test("a dropped model goes to the app in pieces and in order", async () => {
  const { backend, session } = await opened();
  const shares: number[] = [];
  const piece = backend.dropPiece;
  backend.dropPiece = async (...args) => (shares.push(session.ladders.work?.share ?? -1), piece(...args));
  await session.dropped.take([file("a.gguf", 2 * PIECE + 5)]);
  expect(backend.calls.filter(([name]) => name.startsWith("drop"))).toEqual([
    ["dropBegin", "a.gguf", 2 * PIECE + 5],
    ["dropPiece", 7, PIECE],
    ["dropPiece", 7, PIECE],
    ["dropPiece", 7, 5],
    ["dropEnd", 7],
  ]);
  expect(shares.map((share) => share.toFixed(1))).toEqual(["0.0", "0.5", "1.0"]);
  expect(session.ladders.added).toEqual({ what: "ladder", ladder: "mine", name: "Mine" });
  expect(session.ladders.work).toBeUndefined();
});

test("a drop that is cancelled or refused leaves nothing behind, and the next one begins anew", async () => {
  const { backend, session } = await opened();
  const piece = backend.dropPiece;
  backend.dropPiece = async (...args) => (session.dropped.cancel(), piece(...args));
  await session.dropped.take([file("a.gguf", 2 * PIECE), file("b.gguf", 1)]);
  expect(backend.named("dropPiece")).toHaveLength(1);
  expect(backend.named("dropCancel")).toEqual([["dropCancel", 7]]);
  expect(backend.named("dropBegin"), "nor is the second taken").toHaveLength(1);
  expect([session.told.problem, session.ladders.added]).toEqual([undefined, undefined]);

  backend.dropPiece = () => Promise.reject(new Refusal({ code: "disk_full", details: {} }));
  await session.dropped.take([file("a.gguf", 1)]);
  expect(session.told.problem?.code).toBe("disk_full");
  expect(backend.named("dropCancel")).toHaveLength(2);

  backend.dropPiece = piece;
  await session.dropped.take([file("a.gguf", 1)]);
  expect(backend.named("dropEnd")).toHaveLength(1);
  expect(session.told.problem).toBeUndefined();
});

test("a drop that is whole is cancelled while the app reads it", async () => {
  const { backend, session } = await opened();
  backend.dropEnd = (ticket) =>
    new Promise((_, refuse) => {
      backend.dropCancel = async (cancelled) => void (cancelled === ticket && refuse(new Refusal({ code: "cancelled", details: {} })));
      queueMicrotask(() => session.dropped.cancel());
    });
  await session.dropped.take([file("a.gguf", 1), file("b.gguf", 1)]);
  expect(backend.named("dropBegin"), "nor is the second taken").toHaveLength(1);
  expect([session.told.problem, session.ladders.added, session.ladders.work]).toEqual([undefined, undefined, undefined]);
});

test("what the system wants opened is taken in, after what is being done", async () => {
  const { backend, session } = await opened();
  backend.handed(1);
  await expect.poll(() => session.ladders.added).toEqual({ what: "ladder", ladder: "handed", name: "Handed" });
  let end: (nothing: undefined) => void = () => undefined;
  const first = session.ladders.working("adding", () => new Promise<undefined>((resolve) => (end = resolve)));
  backend.handed(0);
  backend.handed(2);
  expect(backend.named("addOpened")).toHaveLength(1);
  end(undefined);
  await first;
  await expect.poll(() => backend.named("addOpened")).toHaveLength(2);
  expect(session.told.problem).toBeUndefined();
});

test("of files that the system wants opened a bad one hides none that came in", async () => {
  const { backend, session } = await opened();
  const bad = (path: string) => ({ code: "not_gguf" as const, details: { path } });
  backend.bad = [bad("a"), bad("b")];
  await session.ladders.addOpened();
  expect(session.ladders.added).toEqual({ what: "ladder", ladder: "handed", name: "Handed" });
  expect([session.told.problem, ...session.told.notices]).toEqual([bad("a"), bad("b")]);
});

test("one thing at a time: a second one is refused, not forgotten", async () => {
  const { session } = await opened();
  let end: (nothing: undefined) => void = () => undefined;
  const first = session.ladders.working("adding", () => new Promise<undefined>((resolve) => (end = resolve)));
  await session.dropped.take([file("a.gguf", 1)]);
  expect(session.told.problem?.code).toBe("models_busy");
  end(undefined);
  await first;
});

test("the check tells how far it is; nothing is sent meanwhile, and what waits goes on behind it", async () => {
  const { backend, session } = await opened();
  const { check, composer } = session;
  const running = check.run(card());
  backend.share(0.4);
  expect([check.running, check.share, session.free, session.engaged]).toEqual([true, 0.4, false, true]);
  composer.text = "Why?";
  await composer.send();
  expect(backend.named("send")).toEqual([]);
  backend.end();
  await running;
  expect([check.running, session.ladders.added]).toEqual([false, { what: "checked", name: "A" }]);
  await vi.waitFor(() => expect(backend.named("send")).toHaveLength(1));
});

test("a check that is stopped says nothing; one that is refused says why", async () => {
  const { backend, session } = await opened();
  const { check, told, ladders } = session;
  const stopped = check.run(card());
  backend.refuse(new Refusal({ code: "cancelled", details: {} }));
  await stopped;
  expect([told.problem, ladders.added, check.running]).toEqual([undefined, undefined, false]);
  const refused = check.run(card());
  backend.refuse(new Refusal({ code: "busy", details: {} }));
  await refused;
  expect([told.problem?.code, check.running]).toEqual(["busy", false]);
});

test("a ladder is changed and what it was is had back; a model made smaller says how good it is", async () => {
  const { backend, session } = await opened();
  const { ladders } = session;
  expect(await ladders.change(card(), "New", ["a", "b"])).toBe(true);
  expect(ladders.added).toEqual({ what: "changed", ladder: "a", name: "New" });
  backend.versions = [{ version: 2, savedMs: 5, name: "Old", rungs: ["A"] }];
  const [version] = await ladders.versions(card());
  await ladders.back(card(), version!);
  expect(backend.named("backLadder")).toEqual([["backLadder", "a", 2]]);
  expect(ladders.added).toEqual({ what: "back", ladder: "a", name: "Old" });
  await ladders.shrink(model(), ["Q2_K"]);
  expect(ladders.added).toEqual({ what: "model", name: "Small", agreement: 0.94, speedup: 1.4 });
  await ladders.handOver(card());
  expect(ladders.added).toEqual({ what: "written", name: "/tmp/ladder" });
});

test("of several smaller versions it is told how far each is, and what went wrong beside those that were made", async () => {
  const { backend, session } = await opened();
  const { ladders, told } = session;
  const [one] = backend.shrunk.versions;
  backend.shrunk = { versions: [one!, one!], pace: 10, ended: { code: "disk_full", details: {} } };
  const seen: unknown[] = [];
  const shrink = backend.shrinkModel;
  backend.shrinkModel = async (from, mixes, on) => {
    for (const step of [{ at: 0, share: 0.5 }, { at: 1, share: 0.5 }, { at: 2, share: 0.5 }]) {
      on(step);
      seen.push([ladders.work?.share.toFixed(2), ladders.work?.steps?.at]);
    }
    return shrink(from, mixes, () => undefined);
  };
  await ladders.shrink(model({ id: "big" }), ["Q4_0", "Q2_K"]);
  expect(seen).toEqual([["0.15", 0], ["0.45", 1], ["0.80", 2]]);
  expect(ladders.made?.original.id).toBe("big");
  expect([ladders.added, told.problem?.code]).toEqual([{ what: "models", name: "2" }, "disk_full"]);
});

test("what is deleted with a ladder is final and told; the ladder itself can be had back", async () => {
  const { backend, session } = await opened();
  const { ladders, told } = session;
  backend.files = [{ hash: "a", name: "A", bytes: 600_000_000 }, { hash: "b", name: "B", bytes: 400_000_000 }];
  backend.removed = { deleted: ["a", "b"], problems: [] };
  await ladders.remove(card(), await ladders.files(card()));
  expect(backend.named("removeLadder")).toEqual([["removeLadder", "a", ["a", "b"]]]);
  expect(ladders.added).toEqual({ what: "filesDeleted", name: "1.0 GB" });
  await told.takeBack();
  expect(backend.named("restoreLadder")).toEqual([["restoreLadder", "a"]]);
  await ladders.remove(card());
  expect(backend.named("removeLadder")[1]).toEqual(["removeLadder", "a", []]);
});

test("what could not be deleted with a ladder is told, and the list is what there is", async () => {
  const { backend, session } = await opened();
  const { ladders, told } = session;
  // Two files may be called the same.
  backend.files = [{ hash: "a", name: "A", bytes: 600_000_000 }, { hash: "b", name: "A", bytes: 400_000_000 }, { hash: "c", name: "C", bytes: 1 }];
  backend.removed = { deleted: ["b"], problems: [{ code: "folder_unwritable", details: {} }, { code: "file_unusable", details: {} }] };
  await ladders.remove(card(), await ladders.files(card()));
  expect([ladders.added, told.problem?.code]).toEqual([{ what: "filesDeleted", name: "400 MB" }, "folder_unwritable"]);
  expect(told.notices.map(({ code }) => code), "each is told").toEqual(["file_unusable"]);
  await told.takeBack();
  expect(backend.named("restoreLadder")).toEqual([["restoreLadder", "a"]]);
});

test("of the token it is only known whether there is one", async () => {
  const { session } = await opened();
  const { token } = session;
  expect(token.kept).toBeUndefined();
  await token.lookUp();
  expect(token.kept).toBe(false);
  expect([await token.set("hf_x"), token.kept]).toEqual([true, true]);
  expect([await token.remove(), token.kept]).toEqual([true, false]);
});

test("a ladder that the app changed to by itself is the one in use, and the next choice keeps it", async () => {
  const { backend, session } = await opened();
  const kept = session.chosen.now.ladder;
  backend.opening.settings.ladder = "fetched";
  backend.engine({ kind: "loading", ladder: "fetched", rung: "A", fraction: 0 });
  expect(session.chosen.now.ladder).toBe("fetched");
  await session.chosen.change({ notify: false });
  expect(session.chosen.now.ladder, "not what the page knew before").toBe("fetched");
  expect(kept).not.toBe("fetched");
});
