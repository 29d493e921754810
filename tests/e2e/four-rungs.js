// Makes two smaller versions of Qwen2.5 Coder 0.5B in the real window, a ladder of four models with them, has it answer there, and proves that its
// answers are those of its target alone: four-rungs.js [QUESTIONS]. Needs the Qwen ladder's files (`make models LADDER=qwen-coder`) and a few minutes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { QWEN } from "./models.js";
import { newHome, openWindow } from "./window.js";

const questions = process.argv[2] ?? "12";
const home = newHome('ladder = "qwen-coder"\n');
const models = path.join(home, "models");
fs.mkdirSync(models);
for (const name of Object.values(QWEN)) fs.linkSync(path.join(process.env.TAKI_MODELS, name), path.join(models, name));
const window = await openWindow({ home, models });
await window.browser.waitUntil(async () => (await window.by("engine-state").getAttribute("data-kind")) === "ready", { timeout: 120_000, timeoutMsg: "the model was not loaded" });
await window.by("settings").click();
await window.by("open-ladders").click();
await window.by("model-row").waitForExist();
const press = (list, name, button) =>
  window.browser.waitUntil(
    () =>
      window.browser.execute(
        (list, name, button) => {
          const found = [...document.querySelectorAll(`[data-testid="${list}"]`)].find((row) => row.textContent.includes(name))?.querySelector(`[data-testid="${button}"]`);
          found?.click();
          return !!found;
        },
        list,
        name,
        button,
      ),
    { timeout: 30_000, timeoutMsg: `“${name}” has no button ${button}` },
  );
await press("model-row", "Qwen2.5 Coder 0.5B", "shrink");
await window.by("shrink-mix").waitForExist();
await window.browser.execute(() => {
  for (const box of document.querySelectorAll('[data-testid="shrink-mix"]')) if (box.checked !== ["Q4_0", "Q2_K"].includes(box.dataset.mix)) box.click();
});
const began = Date.now();
await window.by("shrink-start").click();
await window.browser.waitUntil(async () => (await window.by("versions-made").isExisting()), { timeout: 600_000, timeoutMsg: "they were never made" });
console.log(`made and compared in ${Math.round((Date.now() - began) / 1000)} s:`);
const made = await window.browser.execute(() => [...document.querySelectorAll('[data-testid="version-made"]')].map((row) => row.textContent));
for (const row of made) console.log(`  ${row.replace(/\s+/g, " ").trim()}`);
assert.equal(made.length, 2, "two smaller versions");
await window.by("ladder-make").click();
await window.by("builder-target").selectByAttribute("value", "qwen2.5-coder-1.5b");
const picked = () =>
  window.browser.execute(() => {
    const drafts = [...document.querySelectorAll('[data-testid="builder"] .draft')].filter((draft) => draft.textContent.includes("Qwen2.5 Coder 0.5B"));
    const boxes = drafts.map((draft) => draft.querySelector("input:enabled")).filter((box) => box);
    return boxes.filter((box) => box.checked || (box.click(), false)).length;
  });
await window.browser.waitUntil(async () => (await picked()) === 3, { timeout: 20_000, timeoutMsg: "the three drafts cannot be chosen" });
await window.by("builder-name").setValue("Four rungs");
await window.shot("four-rungs");
await window.by("builder-make").click();
await window.browser.waitUntil(async () => (await window.by("ladders-said").getText()).includes("Four rungs"), { timeoutMsg: "the ladder was not made" });
await press("ladder-row", "Four rungs", "ladder-use");
await window.browser.waitUntil(() => window.browser.execute(() => [...document.querySelectorAll('[data-testid="ladder-row"]')].some((row) => row.textContent.includes("Four rungs") && row.textContent.includes("in use"))), { timeout: 120_000, timeoutMsg: "it is not in use" });
await window.by("ladders-close").click();
await window.browser.waitUntil(async () => (await window.by("engine-state").getAttribute("data-kind")) === "ready", { timeout: 120_000, timeoutMsg: "it was not loaded" });
await window.ask("Write a function that reverses a list.");
await window.brief();
assert.ok((await window.answer()).length > 20, "it answers in the window");
console.log(`it answers in the window: ${(await window.answer()).slice(0, 60).replace(/\s+/g, " ")} …`);
await window.close();
const program = path.join(path.dirname(process.env.TAKI_APP), "taki");
const suite = path.join(import.meta.dirname, "../data/questions.jsonl");
for (const more of [[], ["--temperature", "0.8", "--seed", "7"]]) {
  const said = execFileSync(program, ["prove", "--ladder", "four-rungs", "--suite", suite, "--limit", questions, "--max-tokens", "48", "--json", ...more], { env: { ...process.env, TAKI_HOME: home, TAKI_MODELS: models }, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const { identical, prompts, ...rest } = JSON.parse(said);
  assert.ok(identical === prompts && prompts === Number(questions), `${identical} of ${prompts} answers are identical: ${said}`);
  console.log(`${identical} of ${prompts} identical in exact mode`, more.join(" "), JSON.stringify(rest));
}
