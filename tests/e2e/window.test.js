import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { rows } from "./database.js";
import { appPid, cpuSeconds, family, megabytes, newHome, openWindow, workerPid } from "./window.js";

const LONG = "Write a long story about a river, a mill and a waterfall.";

describe("the window with a model", () => {
  const home = newHome();
  let window;
  before(async () => {
    window = await openWindow({ home });
    await window.ready();
  });
  after(() => window?.close());

  test("a typed question is answered as it is written, with a receipt", async () => {
    await window.shot("empty");
    await window.ask("What is a waterfall? Answer in two sentences.");
    const lengths = new Set();
    await window.browser.waitUntil(
      async () => {
        lengths.add((await window.answer()).length);
        return lengths.size > 3;
      },
      { timeout: 60_000, interval: 10, timeoutMsg: "no text arrived bit by bit" },
    );
    await window.answered();
    await window.by("receipt").$("summary").click();
    const receipt = await window.by("receipt").getText();
    assert.match(receipt, /\d+\.\d s/);
    assert.match(receipt, /SmolLM2 135M\s*\d+/);
    await window.by("who-wrote").$("summary").click();
    await window.by("who-wrote").$("p").waitForExist({ timeout: 10_000 });
    const words = await window.browser.execute(() => document.querySelector('[data-testid="who-wrote"] p').textContent);
    assert.equal(words, rows(home, "SELECT text FROM message WHERE speaker = 'assistant'")[0].text, "every word has its writer");
    assert.match(await window.by("speed-line").getText(), /^Speed-up (on|off, because .+)/);
    await window.shot("answered");
    console.log(`receipt: ${receipt.replaceAll("\n", " | ")}`);
  });

  test("stop keeps what is shown and gives a receipt; the window echoes keys while it answers", async () => {
    await window.ask(LONG);
    await window.browser.waitUntil(async () => (await window.answer()).length > 40, { timeout: 60_000, interval: 20 });
    const echoes = await window.browser.executeAsync((done) => {
      const field = document.querySelector('[data-testid="composer"]');
      const times = [];
      const type = () => {
        const began = performance.now();
        field.value += "x";
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        requestAnimationFrame(() =>
          setTimeout(() => {
            times.push(performance.now() - began);
            if (times.length < 20) type();
            else done(times);
          }),
        );
      };
      type();
    });
    echoes.sort((a, b) => a - b);
    const told = `input echo while answering: median ${echoes[10].toFixed(1)} ms, worst ${echoes[19].toFixed(1)} ms`;
    console.log(told);
    // A single key may come while the processor is with somebody else.
    assert.ok(echoes[10] < 50, told);
    await window.by("stop").click();
    await window.answered();
    const text = await window.answer();
    assert.ok(text.length > 40);
    assert.ok((await window.all("receipt").length) >= 2);
    assert.equal(await window.by("composer").getValue(), "x".repeat(20), "typed text survives an answer");
    await window.by("composer").clearValue();
  });

  test("a killed worker is replaced and the answer goes on", async () => {
    // In a conversation that has the story already it would be copied, and over before anything can be killed.
    await window.by("new-conversation").click();
    await window.browser.waitUntil(async () => (await window.answer()) === "", { timeout: 5000, timeoutMsg: "no new conversation began" });
    await window.ask(LONG);
    await window.browser.waitUntil(async () => (await window.answer()).length > 60, { timeout: 60_000, interval: 20 });
    const pid = workerPid();
    const shown = await window.answer();
    process.kill(pid, "SIGKILL");
    await window.browser.waitUntil(async () => (await window.answer()).length > shown.length + 200, { timeout: 60_000, timeoutMsg: "the answer did not go on" });
    assert.notEqual(workerPid(), pid);
    assert.ok((await window.answer()).startsWith(shown), "shown text is unchanged");
    await window.by("stop").click();
    await window.answered();
  });

  test("a second start only shows the window again and the answer is kept", async () => {
    await window.ask(LONG);
    const pid = workerPid();
    // While nothing of the answer is there yet.
    execFileSync(process.env.TAKI_APP, { env: { ...process.env, TAKI_HOME: home }, timeout: 20_000 });
    await window.browser.waitUntil(async () => (await window.answer()).length > 60, { timeout: 60_000, interval: 20 });
    await window.by("stop").click();
    await window.answered();
    assert.equal(workerPid(), pid, "no other worker was started");
    const text = await window.answer();
    assert.ok(kept(home, text.slice(0, 50)), "what is shown is on disk");
  });

  test("with the background chosen, closing hides the window, the answer goes on, and a second start brings it back", async () => {
    const toggle = async () => {
      await window.by("settings").click();
      await window.by("background-toggle").click();
      await window.by("settings-close").click();
    };
    const seen = () => execFileSync("wmctrl", ["-l"], { encoding: "utf8" }).includes("Taki");
    await toggle();
    await window.browser.waitUntil(() => rows(home, "SELECT 1").length === 1 && /background = true/.test(fs.readFileSync(path.join(home, "config", "settings.toml"), "utf8")), { timeout: 5000 });
    await window.ask(LONG);
    await window.browser.waitUntil(async () => (await window.answer()).length > 20, { timeout: 60_000, interval: 20 });
    execFileSync("wmctrl", ["-c", "Taki"]);
    await window.browser.waitUntil(() => !seen(), { timeout: 10_000, timeoutMsg: "it did not go from the screen" });
    const length = () => rows(home, "SELECT length(text) AS n FROM message WHERE speaker = 'assistant' ORDER BY id DESC LIMIT 1")[0].n;
    const hidden = length();
    await window.browser.waitUntil(() => length() > hidden, { timeout: 30_000, timeoutMsg: "the answer did not go on" });
    execFileSync(process.env.TAKI_APP, { env: { ...process.env, TAKI_HOME: home }, timeout: 20_000 });
    await window.browser.waitUntil(seen, { timeout: 10_000, timeoutMsg: "it did not come back" });
    await window.by("stop").click().catch(() => undefined);
    await window.answered();
    await toggle();
  });

  test("a start with another home is a program of its own", async () => {
    const other = newHome();
    const child = spawn(process.env.TAKI_APP, { env: { ...process.env, TAKI_HOME: other }, stdio: "ignore" });
    await window.browser.waitUntil(() => fs.existsSync(path.join(other, "data", "taki.sqlite3")), { timeout: 20_000, timeoutMsg: "it did not open its own conversations" });
    assert.equal(child.exitCode, null, "it goes on beside the first");
    child.kill();
    await new Promise((resolve) => child.once("exit", resolve));
  });

  test("a message that is too long says so and the next one is answered", async () => {
    await window.browser.execute(() => {
      const field = document.querySelector('[data-testid="composer"]');
      field.value = "word ".repeat(9000);
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    await window.browser.waitUntil(async () => /^This message alone is too long: [\d,]+ tokens/.test(await window.by("room").getText()), { timeout: 20_000, timeoutMsg: "its length was not told" });
    const before = (await window.messages()).length;
    await window.by("send").click();
    assert.equal((await window.by("composer").getValue()).length, 45_000, "it stays where it was typed");
    assert.equal((await window.messages()).length, before);
    await window.ask("Say yes.");
    await window.browser.waitUntil(async () => (await window.messages()).length === before + 2 && (await window.answer()).length > 0, { timeout: 60_000, interval: 20 });
    // It may go on for long, or be over already.
    await window.by("stop").click().catch(() => undefined);
    await window.answered();
    assert.equal(await window.all("problem").length, 0);
  });

  test("another way of running is loaded to its end, and the conversation stays", async () => {
    const before = await window.answer();
    for (let turn = 0; turn < 2; turn++) {
      await window.by("settings").click();
      await window.by("exact-toggle").click();
      await window.by("settings-close").click();
      await window.browser.waitUntil(async () => (await window.by("engine-state").getAttribute("data-kind")) !== "ready", { timeout: 5000, interval: 5 }).catch(() => undefined);
      await window.ready();
    }
    // Longer than a cancelled worker is waited for.
    await window.browser.pause(2500);
    await window.ready();
    assert.equal(await window.answer(), before);
  });

  test("of several quick choices the last is loaded, and a waiting message goes to it", async () => {
    const problems = await window.all("problem").length;
    await window.by("settings").click();
    for (let turn = 0; turn < 5; turn++) await window.by("exact-toggle").click();
    await window.by("settings-close").click();
    await window.ask("Say yes.");
    const messages = await window.brief();
    await window.ready();
    assert.equal(await window.all("problem").length, problems, "nothing is busy, nothing is refused");
    assert.equal(JSON.parse(rows(home, `SELECT receipt FROM message WHERE id = ${messages.at(-1).id}`)[0].receipt).exact, true, "the last choice");
    await window.by("settings").click();
    await window.by("exact-toggle").click();
    await window.by("settings-close").click();
    await window.ready();
  });

  test("Japanese and dark colours can be chosen", async () => {
    await window.by("settings").click();
    await window.by("language-select").selectByAttribute("value", "ja");
    await window.by("theme-select").selectByAttribute("value", "dark");
    await window.browser.waitUntil(async () => (await window.by("settings-close").getText()) === "閉じる");
    await window.shot("settings-ja-dark");
    await window.by("settings-close").click();
    await window.shot("ja-dark");
  });

  test("another start shows the same conversation and choices", async () => {
    const before = await window.answer();
    await window.by("composer").setValue("half a thought");
    await window.browser.waitUntil(async () => kept(home, "half a thought"), { timeout: 5000, timeoutMsg: "unsent text was not kept" });
    await window.close();
    window = await openWindow({ home });
    await window.ready();
    assert.equal(await window.answer(), before);
    assert.equal(await window.by("composer").getValue(), "half a thought");
    assert.equal(await window.browser.execute(() => document.documentElement.lang), "ja");
  });
});

/** Whether the database or its log holds a text. */
function kept(home, text) {
  const folder = path.join(home, "data");
  const files = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.some(({ name }) => fs.readFileSync(path.join(folder, name)).includes(text));
}

test("in the background Ctrl+Q ends the program, and what was typed is there again", async () => {
  const home = newHome("background = true\n");
  let window = await openWindow({ home });
  try {
    await window.ready();
    await window.by("composer").setValue("Half a question");
    execFileSync("wmctrl", ["-c", "Taki"]);
    await window.browser.waitUntil(() => !execFileSync("wmctrl", ["-l"], { encoding: "utf8" }).includes("Taki"), { timeout: 10_000, timeoutMsg: "it did not go from the screen" });
    assert.ok(appPid(), "it goes on");
    // Also with a dialog open, where one reads of it.
    execFileSync(process.env.TAKI_APP, { env: { ...process.env, TAKI_HOME: home }, timeout: 20_000 });
    await window.by("settings").click();
    await window.browser.execute(() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "q", ctrlKey: true, bubbles: true, cancelable: true })));
    for (let tries = 0; appPid() !== undefined && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(appPid(), undefined, "it did not end");
  } finally {
    await window.close();
  }
  window = await openWindow({ home });
  try {
    await window.by("composer").waitForExist({ timeout: 20_000 });
    assert.equal(await window.by("composer").getValue(), "Half a question");
  } finally {
    await window.close();
  }
});

test("what an administrator has laid down holds in the window, and rules that cannot be read let nothing begin", async () => {
  const home = newHome();
  const rules = path.join(home, "policy.toml");
  fs.writeFileSync(rules, 'ladders = ["smollm2"]\n[settings]\ntheme = "dark"\nearlierChats = false\n');
  let window = await openWindow({ home, rules });
  try {
    await window.ready();
    await window.by("settings").click();
    assert.equal(await window.by("theme-select").getValue(), "dark");
    assert.equal(await window.by("theme-select").isEnabled(), false);
    assert.equal((await window.by("ladder-select").$$("option").length), 1, "others are not even shown");
    await window.shot("laid-down");
    await window.by("settings-close").click();
    await window.ask("Say yes.");
    await window.brief();
  } finally {
    await window.close();
  }
  fs.writeFileSync(rules, "[setting]\n");
  window = await openWindow({ home, rules });
  try {
    await window.by("problem").waitForExist({ timeout: 20_000 });
    assert.equal(await window.by("problem").getAttribute("data-code"), "rules_unreadable");
  } finally {
    await window.close();
  }
});

describe("the window when something is wrong", () => {
  test("without a model it offers the download, needs little memory and rests", async () => {
    const home = newHome();
    const window = await openWindow({ home, models: path.join(home, "models") });
    try {
      await window.by("download").waitForExist({ timeout: 20_000 });
      await window.shot("download");
      const members = family();
      const [spent, began] = [cpuSeconds(members), performance.now()];
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const share = ((cpuSeconds(members) - spent) / (performance.now() - began)) * 100_000;
      console.log(`idle without a model: ${megabytes(members).toFixed(0)} MB in ${members.length} processes, ${share.toFixed(1)}% of one processor`);
      assert.equal(workerPid(), undefined, "no worker runs without a model");
    } finally {
      await window.close();
    }
  });

  test("a damaged model file is explained and can be fetched again", async () => {
    const home = newHome();
    const models = path.join(home, "models");
    fs.mkdirSync(models);
    const real = fs.readdirSync(process.env.TAKI_MODELS).find((name) => name.startsWith("b179c952"));
    const cut = fs.readFileSync(path.join(process.env.TAKI_MODELS, real)).subarray(0, 5_000_000);
    fs.writeFileSync(path.join(models, real), cut);
    const window = await openWindow({ home, models });
    try {
      await window.by("problem").waitForExist({ timeout: 20_000 });
      assert.equal(await window.by("problem").getAttribute("data-code"), "model_damaged");
      assert.ok((await window.by("problem-next").getText()).length > 10);
      await window.by("download").waitForExist({ timeout: 5000 });
      await window.shot("damaged");
      assert.ok(appPid());
    } finally {
      await window.close();
    }
  });

  test("a data folder that cannot be written is explained", async () => {
    const home = path.join(newHome(), "file");
    fs.writeFileSync(home, "in the way");
    const window = await openWindow({ home });
    try {
      await window.by("problem").waitForExist({ timeout: 20_000 });
      assert.equal(await window.by("problem").getAttribute("data-code"), "folder_unwritable");
      fs.rmSync(home);
      await window.by("problem").$("button").click();
      await window.by("composer").waitForExist({ timeout: 20_000 });
    } finally {
      await window.close();
    }
  });
});
