import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { SMOLLM2 } from "./models.js";
import { repository } from "./repository.js";
import { newHome, openWindow } from "./window.js";

/** Bytes a second: the file takes most of a minute, and a moment. */
const [SLOW, FAST] = [2_500_000, 500_000_000];

describe("downloads", () => {
  const home = newHome();
  // Of its own: everything comes from the repository.
  const models = path.join(home, "models");
  const line = { rate: SLOW };
  let there;
  let window;
  before(async () => {
    there = await repository(path.join(process.env.TAKI_MODELS, SMOLLM2), line, "/bartowski/phi-4-GGUF/");
    process.env.HF_ENDPOINT = there.endpoint;
    window = await openWindow({ home, models, source: "huggingface" });
  });
  after(async () => {
    await window?.close();
    delete process.env.HF_ENDPOINT;
    await there?.close();
  });

  /** What is done with the downloads of the dialog, in their order. */
  const kinds = () => window.browser.execute(() => [...document.querySelectorAll('[data-testid="downloads"] [data-testid="download-row"]')].map((row) => row.dataset.kind));
  const kind = async () => (await kinds())[0] ?? "none";
  const press = (button) => window.browser.execute((button) => document.querySelector(`[data-testid="downloads"] [data-testid="${button}"]`).click(), button);
  const until = (wanted) => window.browser.waitUntil(async () => (await kind()) === wanted, { timeout: 30_000, timeoutMsg: `the download is never ${wanted}` });
  /** Presses a button of a ladder once it is there. */
  const row = (ladder, button) =>
    window.browser.waitUntil(
      () =>
        window.browser.execute(
          (ladder, button) => {
            const there = document.querySelector(`[data-testid="ladder-row"][data-ladder="${ladder}"] [data-testid="${button}"]`);
            there?.click();
            return !!there;
          },
          ladder,
          button,
        ),
      { timeout: 10_000, timeoutMsg: `${ladder} has no ${button}` },
    );
  const staged = () => {
    const folder = path.join(models, "staging");
    const parts = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".part")) : [];
    return parts.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0);
  };
  const open = async () => {
    await window.by("settings").click();
    await window.by("open-ladders").click();
    await window.by("ladder-row").waitForExist();
  };

  test("a ladder that was never fetched comes in, with the time left, waits and goes on", async () => {
    await open();
    await row("phi-4-mini", "ladder-download");
    await until("running");
    await window.browser.waitUntil(async () => /left/.test(await window.by("downloads").getText()), { timeout: 20_000, timeoutMsg: "no time left is shown" });
    if (process.env.TAKI_SHOTS) await window.shot("download-running");
    assert.equal(there.seen.filter(({ method }) => method === "HEAD").length, 1, "the repository is asked what the file is");
    await press("download-turn");
    await until("paused");
    // What is on its way comes to an end.
    let before = staged();
    await window.browser.waitUntil(async () => before === (before = staged()), { interval: 1000, timeoutMsg: "it goes on all the same" });
    assert.ok(before > 0 && before < there.size);
    await press("download-turn");
    await until("running");
    await window.browser.waitUntil(async () => staged() > before, { timeout: 20_000, timeoutMsg: "it does not go on" });
    assert.ok(there.seen.some(({ range }) => range && !range.startsWith("bytes=0-")), "it goes on where it was");
  });

  test("another one waits behind it, and a power cut and a restart lose nothing", async () => {
    await row("smollm2", "ladder-download");
    await window.browser.waitUntil(async () => (await kinds()).length === 2, { timeoutMsg: "it is not in the queue" });
    const before = staged();
    await window.kill();
    window = await openWindow({ home, models, source: "huggingface" });
    await open();
    await window.browser.waitUntil(async () => (await kinds()).length === 2, { timeout: 20_000, timeoutMsg: "the queue is lost" });
    await window.browser.waitUntil(async () => staged() > before, { timeout: 20_000, timeoutMsg: "it does not go on" });
    assert.ok(staged() >= before, "it did not begin anew");
    line.rate = FAST;
    await window.browser.waitUntil(async () => (await kind()) === "none", { timeout: 60_000, timeoutMsg: "the queue never ends" });
    assert.ok(fs.existsSync(path.join(models, SMOLLM2)), "the file is there under its hash");
  });

  test("it answers, a trial says how fast it is, and what is taken out is deleted", async () => {
    await window.by("ladders-close").click();
    await window.ready();
    await window.ask("Say hello.");
    await window.brief();
    await open();
    await window.by("check-start").waitForExist();
    await window.by("check-start").click();
    await window.by("check-result").waitForExist({ timeout: 90_000 });
    assert.match(await window.by("check-result").getText(), /\d/);
    if (process.env.TAKI_SHOTS) await window.shot("ladder-checked");
    line.rate = SLOW;
    await row("phi-4", "ladder-download");
    await window.browser.waitUntil(() => staged() > 0, { timeout: 30_000, timeoutMsg: "it never begins" });
    assert.equal(await kind(), "running");
    await press("download-drop");
    await window.browser.waitUntil(async () => (await kind()) === "none", { timeoutMsg: "it is still there" });
    await window.by("ladder-undo").waitForExist({ timeout: 20_000 });
    const recipe = path.join(home, "data", "ladders", "ladder-phi-4.toml");
    assert.ok(staged() === 0 && !fs.existsSync(recipe), "once that is said, what came in is deleted and the ladder only offered again");
    // The same by removing the ladder itself, which is a known one while it comes in.
    await row("phi-4", "ladder-download");
    await window.browser.waitUntil(() => staged() > 0, { timeout: 30_000, timeoutMsg: "it never begins again" });
    assert.ok(fs.existsSync(recipe));
    await window.by("ladders-close").click();
    await open();
    await row("phi-4", "ladder-remove");
    await window.browser.waitUntil(() => !fs.existsSync(recipe), { timeout: 10_000, timeoutMsg: "it cannot be removed" });
    await window.browser.waitUntil(async () => (await kind()) === "none" && staged() === 0, { timeout: 10_000, timeoutMsg: "what came in of it is left" });
  });

  test("a dropped recipe is taken in, and a dropped file that is no model is refused with the reason", async () => {
    await window.by("ladders-close").click();
    await window.drop("broken.gguf", "GGUF but nothing else");
    await window.browser.waitUntil(() => window.browser.execute(() => document.querySelector('[role="dialog"], dialog')?.textContent.includes("GGUF")), { timeout: 10_000, timeoutMsg: "nothing is said of the broken file" });
    const recipe = `taki_recipe = 1\nid = "dropped"\nname = "Dropped 滝"\nrungs = ["m"]\n\n[[model]]\nid = "m"\nname = "M"\nfile = "m.gguf"\nbytes = ${there.size}\nsha256 = "${SMOLLM2.replace(".gguf", "")}"\n`;
    await window.drop("dropped.toml", recipe);
    await window.browser.waitUntil(() => window.browser.execute(() => [...document.querySelectorAll('[data-testid="ladder-row"]')].some((row) => row.textContent.includes("Dropped 滝"))), { timeout: 15_000, timeoutMsg: "the recipe is not in the list" });
  });

  test("a model that no list has comes in by the address of its file's page", async () => {
    line.rate = FAST;
    const files = () => fs.readdirSync(models).filter((name) => name.endsWith(".gguf")).length;
    const before = files();
    await window.by("ladder-address").click();
    await window.by("address").setValue("https://example.org/some/page");
    await window.by("address-find").click();
    await window.browser.waitUntil(() => window.browser.execute(() => document.querySelector('dialog [data-testid="problem"]')?.textContent.includes("example.org")), { timeout: 10_000, timeoutMsg: "nothing is said of an address that leads nowhere" });
    await window.by("address").setValue(`${there.endpoint}/bartowski/phi-4-GGUF/blob/main/another-Q4_1.gguf`);
    await window.by("address-find").click();
    await window.by("added-download").waitForExist({ timeout: 20_000 });
    if (process.env.TAKI_SHOTS) await window.shot("address-found");
    assert.equal(files(), before, "nothing was downloaded yet");
    await window.by("added-download").click();
    await window.browser.waitUntil(() => files() === before + 1, { timeout: 60_000, timeoutMsg: "it never comes in" });
    await window.browser.waitUntil(async () => (await kind()) === "none", { timeout: 60_000, timeoutMsg: "the queue never ends" });
  });
});
