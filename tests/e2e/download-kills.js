// Kills the app while it downloads, again and again, and looks at what is left: download-kills.js [HOW_MANY [SEED]]
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { dice } from "./killing.js";
import { repository } from "./repository.js";
import { newHome, openWindow } from "./window.js";

const SMOLLM2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53.gguf";

const [times, seed] = [Number(process.argv[2] ?? 50), Number(process.argv[3] ?? Date.now() % 1_000_000)];
console.log(`${times} kills, seed ${seed}`);
const roll = dice(seed);
const home = newHome();
const models = path.join(home, "models");
const line = { rate: 4_000_000 };
const there = await repository(path.join(process.env.TAKI_MODELS, SMOLLM2), line);
process.env.HF_ENDPOINT = there.endpoint;

/** Whole files of the store; each must be what its name says. */
function whole() {
  const names = fs.existsSync(models) ? fs.readdirSync(models).filter((name) => name.endsWith(".gguf")) : [];
  for (const name of names) assert.equal(`${createHash("sha256").update(fs.readFileSync(path.join(models, name))).digest("hex")}.gguf`, name, "a file is not what its name says");
  return names;
}

const staged = () => {
  const folder = path.join(models, "staging");
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".part")).reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0) : 0;
};

let [fetched, resumed] = [0, 0];
for (let time = 1; time <= times; time++) {
  const before = staged();
  const window = await openWindow({ home, models, source: "huggingface" });
  if (time === 1 || fs.existsSync(path.join(models, SMOLLM2))) {
    // Whole by now: once more from the beginning.
    for (const name of whole()) (fetched += 1), fs.rmSync(path.join(models, name));
    await window.by("settings").click();
    await window.by("open-ladders").click();
    await window.by("ladder-row").waitForExist({ timeout: 20_000 });
    await window.browser.waitUntil(() => window.browser.execute(() => document.querySelector('[data-testid="ladder-download"]')?.click() ?? document.querySelector('[data-testid="download-row"]') !== null), { timeout: 20_000, timeoutMsg: "nothing can be downloaded" });
  }
  await new Promise((resolve) => setTimeout(resolve, 200 + 3000 * roll()));
  await window.kill();
  if (before > 0 && staged() >= before) resumed += 1;
  console.log(`kill ${time}: ${staged()} bytes staged, ${whole().length} whole`);
}
// Whatever happened, it comes in at the end.
line.rate = 500_000_000;
const window = await openWindow({ home, models, source: "huggingface" });
await window.browser.waitUntil(() => fs.existsSync(path.join(models, SMOLLM2)), { timeout: 60_000, timeoutMsg: "it never came in" });
await window.ready();
await window.close();
whole();
await there.close();
console.log(`${times} kills, ${fetched} times whole, ${resumed} times gone on with: no file was ever taken for whole that was not, and it came in at the end`);
