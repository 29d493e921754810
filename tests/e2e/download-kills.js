// Kills the app while it downloads, again and again, and looks at what is left: download-kills.js [HOW_MANY [SEED [LADDER]]]
// LADDER: smollm2, or qwen-coder, whose files must be here (`make models LADDER=qwen-coder`).
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { dice } from "./killing.js";
import { QWEN, SMOLLM2, named } from "./models.js";
import { repository } from "./repository.js";
import { newHome, openWindow } from "./window.js";

const [times, seed] = [Number(process.argv[2] ?? 50), Number(process.argv[3] ?? Date.now() % 1_000_000)];
const ladder = process.argv[4] ?? "smollm2";
/** Files of the ladder, by what stands in their addresses, and bytes a second: all of it takes most of a minute. */
const { files, rate } = { smollm2: { files: { "": SMOLLM2 }, rate: 4_000_000 }, "qwen-coder": { files: QWEN, rate: 64_000_000 } }[ladder];
console.log(`${times} kills of ${ladder}, seed ${seed}`);
const roll = dice(seed);
const home = newHome();
const models = path.join(home, "models");
const line = { rate };
const there = await repository(Object.fromEntries(Object.entries(files).map(([name, file]) => [name, path.join(process.env.TAKI_MODELS, file)])), line);
/** Whether all of it is here. */
const complete = () => Object.values(files).every((file) => fs.existsSync(path.join(models, file)));
process.env.HF_ENDPOINT = there.endpoint;

/** Whole files of the store; each must be what its name says. */
function whole() {
  const names = fs.existsSync(models) ? fs.readdirSync(models).filter((name) => name.endsWith(".gguf")) : [];
  for (const name of names) assert.equal(named(fs.readFileSync(path.join(models, name))), name, "a file is not what its name says");
  return names;
}

const size = () => (fs.existsSync(models) ? fs.readdirSync(models) : []).filter((name) => name.endsWith(".gguf")).reduce((sum, name) => sum + fs.statSync(path.join(models, name)).size, 0);

const staged = () => {
  const folder = path.join(models, "staging");
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".part")).reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0) : 0;
};

let [fetched, resumed] = [0, 0];
for (let time = 1; time <= times; time++) {
  const before = staged() + size();
  const window = await openWindow({ home, models, source: "huggingface" });
  const anew = time === 1 || complete();
  if (anew) {
    // Whole by now: once more from the beginning.
    if (complete()) fetched += 1;
    for (const name of whole()) fs.rmSync(path.join(models, name));
    await window.by("settings").click();
    await window.by("open-ladders").click();
    await window.by("ladder-row").waitForExist({ timeout: 20_000 });
    await window.browser.waitUntil(() => window.browser.execute((ladder) => (document.querySelector(`[data-ladder="${ladder}"] [data-testid="ladder-download"]`)?.click(), document.querySelector('[data-testid="download-row"]') !== null), ladder), { timeout: 20_000, timeoutMsg: "nothing can be downloaded" });
  }
  await new Promise((resolve) => setTimeout(resolve, 200 + 3000 * roll()));
  await window.kill();
  const after = staged() + size();
  console.log(`kill ${time}: ${after} bytes here, ${whole().length} files whole`);
  if (anew || before === 0) continue;
  assert.ok(after >= before, `of ${before} bytes that were here ${after} are left: the download began anew`);
  resumed += 1;
}
// Of a few it may be that none fell while something was here.
assert.ok(times < 10 || resumed > 0, "no download was ever gone on with");
// Whatever happened, it comes in at the end.
line.rate = 500_000_000;
const window = await openWindow({ home, models, source: "huggingface" });
await window.browser.waitUntil(() => complete(), { timeout: 60_000, timeoutMsg: "it never came in" });
await window.ready();
await window.close();
whole();
await there.close();
console.log(`${times} kills, ${fetched} times whole, ${resumed} times gone on with: no file was ever taken for whole that was not, and it came in at the end`);
