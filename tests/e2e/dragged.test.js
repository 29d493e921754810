// Files dragged with the mouse out of another program's window, as from a file manager.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { tinyModel } from "./models.js";
import { newHome, openWindow } from "./window.js";

const home = newHome();
const note = path.join(home, "note.txt");
const model = path.join(home, "tiny.gguf");
const source = path.join(home, "dragged");
let window;
before(async () => {
  fs.writeFileSync(note, "The meeting is on Tuesday.");
  fs.writeFileSync(model, tinyModel("Tiny 滝", ["a", "b", "滝"]));
  const gtk = execFileSync("pkg-config", ["--cflags", "--libs", "gtk+-3.0"], { encoding: "utf8" }).split(/\s+/).filter(Boolean);
  execFileSync("cc", ["-o", source, path.join(path.dirname(fileURLToPath(import.meta.url)), "dragged.c"), ...gtk]);
  window = await openWindow({ home });
  await window.by("composer").waitForExist({ timeout: 20_000 });
});
after(() => window?.close());

const xdotool = (...what) => execFileSync("xdotool", what.map(String), { encoding: "utf8" }).trim();

/** The middle of the window with this name. */
function middle(name) {
  const about = Object.fromEntries(xdotool("search", "--onlyvisible", "--name", name, "getwindowgeometry", "--shell").split("\n").map((line) => line.split("=")));
  return [Number(about.X) + Math.round(about.WIDTH / 2), Number(about.Y) + Math.round(about.HEIGHT / 2)];
}

/** Drags files over the window, looks there with `held`, and lets them go. */
async function drag(files, held) {
  const from = spawn(source, files);
  try {
    await window.browser.waitUntil(() => xdotool("search", "--name", "^to be dragged$"), { timeout: 10_000 }).catch(() => undefined);
    await pause(500);
    const [start, end] = [middle("^to be dragged$"), middle("^Taki$")];
    xdotool("mousemove", ...start, "mousedown", 1);
    // A drag begins with a move, and so does what is told of it.
    for (let step = 1; step <= 20; step++) {
      xdotool("mousemove", ...start.map((at, axis) => Math.round(at + ((end[axis] - at) * step) / 20)));
      await pause(50);
    }
    await held();
  } finally {
    xdotool("mouseup", 1);
    await pause(500);
    from.kill();
  }
}

test("a file that is let go over the window goes with the next message, and the window stays", async () => {
  await drag([note], () => window.by("drop").waitForExist({ timeout: 10_000 }));
  await window.by("attachment").waitForExist({ timeout: 20_000 });
  assert.equal(await window.by("attachment").getAttribute("title"), "note.txt");
  assert.equal(await window.by("drop").isExisting(), false);
  assert.match(await window.browser.getUrl(), /^tauri:/);
});

test("a model that is let go over the window is taken in", async () => {
  await drag([model], () => window.by("drop").waitForExist({ timeout: 10_000 }));
  await window.by("ladders-said").waitForExist({ timeout: 20_000 });
  await window.browser.waitUntil(async () => (await window.by("ladders-said").getText()).includes("is in the list"), { timeout: 20_000, timeoutMsg: "the model is not taken in" });
});
