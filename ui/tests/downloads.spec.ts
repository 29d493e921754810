// The queue of downloads, files dropped on the window, and from where models come.
import { expect, type Page } from "@playwright/test";
import { coder, download, ladderCard, smollm2 } from "./mock/shelf";
import { accessible, by, calls, chat, ask, downloads, engine, open, settings, test } from "./window";

const gemma = ladderCard({ id: "gemma", name: "Gemma 3", bytes: 4.7e9, missingBytes: 4.7e9 });

/** Lets files go over something, as from a file manager. */
async function drop(page: Page, over: string, ...files: [name: string, content: string | number][]) {
  await page.getByTestId(over).evaluate((at, files) => {
    const data = new DataTransfer();
    for (const [name, content] of files) data.items.add(new File([typeof content === "number" ? new Uint8Array(content) : content], name));
    at.dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true }));
    at.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, files);
}

const RECIPE = 'taki_recipe = 1\nname = "x"\n';

test("the queue shows each in its state; one is paused, resumed, tried again and taken out", async ({ page }) => {
  await open(page, { ladders: [smollm2, coder, gemma] });
  await page.keyboard.press("Control+m");
  await expect(by(page, "downloads")).toHaveCount(0);
  await by(page, "ladder-row").nth(1).getByTestId("ladder-download").click();
  expect((await calls(page, "download_ladder"))[0]?.args).toEqual({ ladder: "qwen-coder", thenUse: true, first: false });
  await expect(by(page, "ladder-row").nth(1)).toContainText("Downloading …");
  await by(page, "ladder-row").nth(2).getByTestId("ladder-download").click();
  const rows = by(page, "downloads").getByTestId("download-row");
  await expect(rows).toHaveCount(2);
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "asking"), download("gemma", "Gemma 3", "waiting"));
  await expect(rows.nth(0)).toContainText("Asking what the files of Qwen2.5 Coder are");
  await expect(by(page, "downloads-said")).toHaveText("The download of Qwen2.5 Coder has begun.");
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", 4e8, 1.6e9, 190), download("gemma", "Gemma 3", "waiting"));
  await expect(rows.nth(0)).toContainText("400 MB of 1.6 GB, about 3 min left");
  await expect(rows.nth(0).getByRole("progressbar")).toHaveAttribute("value", "400000000");
  await rows.nth(0).getByTestId("download-turn").click();
  await expect(rows.nth(0)).toContainText("is paused at 400 MB of 1.6 GB");
  // From the card as well.
  await by(page, "ladder-row").nth(1).getByTestId("ladder-resume").click();
  expect(await calls(page, "resume_download")).toHaveLength(1);
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", { kind: "failed", problem: { code: "download_failed", details: { name: "Qwen2.5 Coder", reason: "no route" } } }), download("gemma", "Gemma 3", "running", 0, 4.7e9));
  await expect(rows.nth(0)).toContainText("no route");
  await expect(by(page, "downloads-said")).toHaveText("The download of Qwen2.5 Coder failed. The download of Gemma 3 has begun.");
  await rows.nth(0).getByRole("button", { name: "Try again" }).click();
  expect((await calls(page, "resume_download")).at(-1)?.args).toEqual({ ladder: "qwen-coder" });
  await rows.nth(0).getByTestId("download-drop").click();
  await expect(rows).toHaveCount(1);
  await expect(rows.nth(0).getByTestId("download-turn"), "the keyboard is in the next").toBeFocused();
  await rows.nth(0).getByTestId("download-drop").click();
  await expect(by(page, "downloads")).toHaveCount(0);
  await expect(page.getByRole("dialog")).toContainText("“Gemma 3” was taken out of the downloads.");
  await page.keyboard.press("Control+z");
  await expect(rows).toHaveCount(1);
  await accessible(page);
});

test("what nobody offers is made here of what comes in", async ({ page }) => {
  const mine = { ...ladderCard({ id: "mine", name: "Mine", own: true }), missingBytes: 5e8, toMake: ["Big Q4_0"] };
  await open(page, { ladders: [smollm2, mine] });
  await page.keyboard.press("Control+m");
  const row = by(page, "ladder-row").filter({ hasText: "Mine" });
  await expect(row.getByTestId("to-make")).toContainText("Big Q4_0");
  await expect(row.getByTestId("ladder-download")).toHaveText("Get (500 MB)");
  await row.getByTestId("ladder-download").click();
  expect((await calls(page, "download_ladder")).at(-1)?.args).toMatchObject({ ladder: "mine" });
  await downloads(page, download("mine", "Mine", "making", 1e8, 4e8));
  const making = by(page, "downloads").getByTestId("download-row");
  await expect(making).toContainText("Making the smaller versions that Mine still needs");
  await expect(making.getByRole("progressbar")).toHaveAttribute("value", "100000000");
  await making.getByTestId("download-turn").click();
  expect(await calls(page, "pause_download")).toHaveLength(1);
});

test("of a ladder that the chosen folder does not have that is said", async ({ page }) => {
  await open(page, { settings: { ...settings, source: "/media/stick" }, ladders: [smollm2, { ...gemma, missingBytes: 5, fetchable: false }] });
  await page.keyboard.press("Control+m");
  const row = by(page, "ladder-row").filter({ hasText: "Gemma 3" });
  await expect(row).toContainText("Not in the folder that models come from.");
  await expect(row.getByTestId("ladder-download")).toHaveCount(0);
});

test("what no download can bring is not tried again", async ({ page }) => {
  const lost = { ...ladderCard({ id: "mine", name: "Mine", own: true }), missingBytes: 5, fetchable: false };
  await open(page, { ladders: [smollm2, lost, { ...gemma, missingBytes: 5 }] });
  await page.keyboard.press("Control+m");
  const problem = { code: "own_gone" as const, details: { name: "Mine" } };
  await downloads(page, download("mine", "Mine", { kind: "failed", problem }), download("gemma", "Gemma 3", { kind: "failed", problem: { ...problem, code: "made_gone" } }));
  const rows = by(page, "downloads").getByTestId("download-row");
  await expect(rows.nth(0)).toContainText("cannot be downloaded");
  await expect(rows.nth(0).getByRole("button")).toHaveText(["Take out"]);
  await expect(rows.nth(1).getByRole("button")).toHaveText(["Take out"]);
  const cards = by(page, "ladder-row");
  await expect(cards.filter({ has: page.getByRole("heading", { name: "Mine" }) })).toContainText("Its file is missing");
  await expect(cards.filter({ hasText: "Gemma 3" }), "as the list knew it before").toContainText("Its file is missing");
  await expect(by(page, "ladder-resume")).toHaveCount(0);
  await expect(by(page, "ladder-download")).toHaveCount(0);
  // Nor does loading it once more help, whatever the list says of it.
  await page.keyboard.press("Escape");
  await engine(page, { kind: "failed", problem });
  const card = by(page, "engine-state").getByTestId("problem");
  await expect(card).toHaveAttribute("data-code", "own_gone");
  await expect(card.getByRole("button")).toHaveCount(0);
  await engine(page, { kind: "failed", problem: { code: "internal", details: { reason: "x" } } });
  await expect(card.getByRole("button")).toHaveText("Try again");
});

test("a draft that is left out is named with the reason, in the queue and afterwards with its ladder", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  const leftOut = [{ code: "tokenizers_differ" as const, details: { rung: "Qwen2.5 Coder 0.5B" } }];
  await downloads(page, { ...download("qwen-coder", "Qwen2.5 Coder", "running", 4e8), leftOut });
  await expect(by(page, "downloads").getByTestId("download-left-out")).toContainText("left out and not downloaded: ");
  await expect(by(page, "downloads").getByTestId("download-left-out")).toContainText("Qwen2.5 Coder 0.5B");
  await accessible(page);
  await page.evaluate((leftOut) => (window.app.opening.ladders = window.app.opening.ladders.map((card) => (card.id === "qwen-coder" ? { ...card, leftOut } : card))), leftOut);
  await downloads(page);
  await expect(by(page, "ladder-left-out")).toContainText("Qwen2.5 Coder 0.5B");
});

test("what an interrupted download waits for is said, and why one failed stands in its ladder's row too", async ({ page }) => {
  await open(page, { ladders: [smollm2, { ...coder, missingBytes: 1.6e9 }] });
  await page.keyboard.press("Control+m");
  const details = { name: "Qwen2.5 Coder", reason: "too many requests (429)" };
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", { kind: "interrupted", problem: { code: "download_interrupted", details } }, 4e8));
  const row = by(page, "download-row").first();
  await expect(row).toContainText("400 MB of 1.6 GB are here");
  await expect(row).toContainText("too many requests (429)");
  await expect(row.getByTestId("download-turn")).toHaveText("Pause");
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", { kind: "failed", problem: { code: "download_failed", details } }, 4e8));
  await expect(by(page, "ladder-why")).toContainText("too many requests (429)");
});

test("that a damaged download is begun anew is said in the queue", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  const now = download("qwen-coder", "Qwen2.5 Coder", "running", 4e8);
  await downloads(page, now);
  await expect(by(page, "download-anew")).toHaveCount(0);
  await downloads(page, { ...now, anew: true });
  await expect(by(page, "downloads").getByTestId("download-anew")).toContainText("A file of Qwen2.5 Coder was damaged");
  await accessible(page);
});

test("where nothing answers yet, downloads wait for each other in the queue all the same", async ({ page }) => {
  await open(page, { engine: { kind: "empty" }, ladders: [{ ...smollm2, missingBytes: 5 }, coder] });
  await engine(page, { kind: "empty" });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-row").first().getByTestId("ladder-download").click();
  await by(page, "ladder-row").last().getByTestId("ladder-download").click();
  expect(await calls(page, "download_ladder")).toHaveLength(2);
});

test("a model that is dropped anywhere is taken in piece by piece, and the dialog says what came of it", async ({ page }) => {
  await open(page);
  await page.evaluate(() => window.app.hold.push("drop_end"));
  await drop(page, "transcript", ["my model.gguf", 7 * 1024 * 1024]);
  await expect(by(page, "ladders-work")).toContainText("Reading my model.gguf … 100%");
  expect((await calls(page, "drop_begin"))[0]?.args).toEqual({ name: "my model.gguf", bytes: 7 * 1024 * 1024 });
  const pieces = await calls(page, "drop_piece");
  expect(pieces.map(({ args }) => [args.ticket, atob(args.base64 as string).length])).toEqual([
    [7, 6 * 1024 * 1024],
    [7, 1024 * 1024],
  ]);
  await page.evaluate(() => window.app.go());
  await expect(by(page, "ladders-said")).toHaveText("“Dropped” is in the list.");
  expect(await calls(page, "attach")).toHaveLength(0);
});

test("a drop is cancelled, and one that is refused says why", async ({ page }) => {
  await open(page);
  await page.evaluate(() => window.app.hold.push("drop_piece"));
  await page.keyboard.press("Control+m");
  await drop(page, "ladder-make", ["a.gguf", 7 * 1024 * 1024]);
  await by(page, "shrink-stop").click();
  await page.evaluate(() => ((window.app.hold = []), window.app.go()));
  await expect(by(page, "ladders-work")).toHaveCount(0);
  expect([await calls(page, "drop_cancel"), await calls(page, "drop_end")].map((all) => all.length)).toEqual([1, 0]);
  await page.evaluate(() => (window.app.refuse.drop_begin = { code: "disk_full", details: { path: "/data", size: "7 MB", reserve: "1 GB", free: "1 MB" } }));
  await drop(page, "ladder-make", ["recipe.toml", RECIPE]);
  await expect(by(page, "problem-sentence")).toContainText("not enough space in /data");
});

test("other files go with the message, other TOML too", async ({ page }) => {
  await open(page);
  await drop(page, "transcript", ["notes.txt", "x"], ["Cargo.toml", "[package]"]);
  await expect.poll(async () => (await calls(page, "attach")).map(({ args }) => args.name)).toEqual(["notes.txt", "Cargo.toml"]);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await drop(page, "transcript", ["more.txt", "x"], ["recipe.toml", RECIPE]);
  await expect(by(page, "ladders-said")).toHaveText("“Dropped” is in the list.");
  await expect.poll(async () => (await calls(page, "attach")).length, "both kinds at once").toBe(3);
});

test("over the open dialog it says what may be dropped", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+m");
  const drag = (kind: string) =>
    by(page, "ladder-make").evaluate((at, kind) => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "x.gguf"));
      at.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true }));
    }, kind);
  await drag("dragenter");
  await expect(by(page, "drop-ladders")).toBeVisible();
  await accessible(page);
  await drag("dragleave");
  await expect(by(page, "drop-ladders")).toHaveCount(0);
});

test("mirror and proxy are kept, a refused address stays to be mended", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await by(page, "settings-search").fill("mirror");
  await by(page, "mirror-field").fill(" https://models.example.org ");
  await by(page, "mirror-field").press("Enter");
  await expect.poll(async () => (await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ mirror: "https://models.example.org", proxy: "" });
  await by(page, "settings-search").fill("");
  await page.evaluate(() => (window.app.refuse.change_settings = { code: "setting_invalid", details: { name: "proxy", value: "nowhere", reason: "no address" } }));
  await by(page, "proxy-field").fill("nowhere");
  await by(page, "proxy-field").press("Tab");
  await expect(by(page, "problem-sentence")).toContainText("nowhere");
  await expect(by(page, "proxy-field")).toHaveValue("nowhere");
  await expect(by(page, "proxy-field")).toHaveAttribute("aria-invalid", "true");
  // Set back to what is kept it is refused no more.
  await by(page, "proxy-field").fill("");
  await by(page, "proxy-field").press("Tab");
  await expect(by(page, "proxy-field")).toHaveAttribute("aria-invalid", "false");
  await expect(by(page, "problem-sentence")).toHaveCount(0);
});

test("a folder that models come from is chosen, said to be missing, and cleared", async ({ page }) => {
  await open(page, { give: { choose_source: null } });
  await page.keyboard.press("Control+,");
  await by(page, "settings-search").fill("usb");
  await by(page, "source-choose").click();
  expect(await calls(page, "change_settings"), "thought better of").toHaveLength(0);
  await page.evaluate(() => (window.app.give = { choose_source: "/media/stick/models" }));
  await by(page, "source-choose").click();
  await expect(by(page, "source-folder")).toHaveText("/media/stick/models");
  await expect(by(page, "source-missing")).toHaveCount(0);
  expect((await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ source: "/media/stick/models", mirror: "" });
  await accessible(page);
  await by(page, "settings-search").fill("");
  await by(page, "open-ladders").click();
  await expect(by(page, "ladders-source")).toHaveText("Models come from the folder /media/stick/models alone.");
  await by(page, "ladders-close").click();
  await page.keyboard.press("Control+,");
  // The stick is pulled out.
  await page.evaluate(() => (window.app.give.source_missing = true));
  await by(page, "settings-close").click();
  await page.keyboard.press("Control+,");
  await expect(by(page, "source-missing")).toContainText("plug in the stick");
  await accessible(page);
  // Plugged in again, outside.
  await page.evaluate(() => ((window.app.give.source_missing = false), window.dispatchEvent(new Event("focus"))));
  await expect(by(page, "source-missing")).toHaveCount(0);
  await by(page, "source-clear").click();
  await expect(by(page, "source-folder")).toHaveCount(0);
  await expect(by(page, "source-choose")).toBeFocused();
  expect((await calls(page, "change_settings")).at(-1)?.args.settings).toMatchObject({ source: "" });
});

test("a token is kept, never shown, and removed", async ({ page }) => {
  await open(page);
  await page.keyboard.press("Control+,");
  await by(page, "settings-search").fill("token");
  await by(page, "token-field").fill("hf_secret");
  await by(page, "token-field").press("Enter");
  expect((await calls(page, "set_token"))[0]?.args).toEqual({ token: "hf_secret" });
  await expect(by(page, "token-kept")).toHaveText("A token is kept in this computer's keyring.");
  await expect(by(page, "token-remove")).toBeFocused();
  await by(page, "token-remove").click();
  await expect(by(page, "token-field")).toBeFocused();
  await expect(by(page, "token-field")).toHaveValue("");
  expect(await calls(page, "remove_token")).toHaveLength(1);
});

test("an answer that is written hears nothing of a download's steps", async ({ page }) => {
  await open(page);
  await ask(page, "Why?");
  await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", 1e8));
  const said = by(page, "said-downloads");
  await expect(said).toHaveText("The download of Qwen2.5 Coder has begun.");
  await said.evaluate((at) => new MutationObserver(() => at.setAttribute("data-changed", "")).observe(at, { childList: true, characterData: true, subtree: true }));
  for (const done of [2e8, 3e8, 4e8]) await downloads(page, download("qwen-coder", "Qwen2.5 Coder", "running", done));
  await chat(page, { kind: "text", text: "Because." });
  await expect(by(page, "download-now")).toContainText("400 MB");
  await expect(said).not.toHaveAttribute("data-changed");
});
