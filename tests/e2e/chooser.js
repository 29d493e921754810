// The system's own dialogs for files, which WebDriver does not reach: driven by keys, as a person would.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** How often a path is typed before it counts as a failure. */
const TRIES = 6;

const xdotool = (...what) => execFileSync("xdotool", what, { encoding: "utf8" }).trim();
const windows = () => execFileSync("wmctrl", ["-l"], { encoding: "utf8" }).split("\n").filter(Boolean).map((line) => Number(line.split(/\s+/)[0]));

/**
 * Types `file` into `dialog`, as long as that is there and has the keyboard: what is meant for one that has just gone must not reach the
 * page. The field for a path takes a while to open and loses what is typed on the way, so there is a pause of `wait` milliseconds.
 */
async function type(dialog, file, wait) {
  const steps = [
    // Out of the recent files, among which no folder can be chosen. Ctrl+L opens the field, or closes one that was there, which the slash opens then.
    ["key", "alt+Home", "ctrl+l", "slash"],
    ["key", "ctrl+a"],
    ["type", "--delay", "10", file],
    ["key", "Return"],
  ];
  xdotool("windowactivate", "--sync", String(dialog));
  for (const step of steps) {
    if (Number(xdotool("getactivewindow")) !== dialog) return;
    xdotool(...step);
    // After the path, for what the field adds to it by itself.
    if (step !== steps[1]) await pause(wait);
  }
}

/** Chooses `file`, or a folder, in the dialog that `open` brings up. */
export async function choose(window, open, file) {
  const before = windows();
  await open();
  let dialog;
  await window.browser.waitUntil(() => (dialog = windows().find((id) => !before.includes(id))), { timeout: 20_000, interval: 100, timeoutMsg: "no dialog came up" });
  for (let tries = 1; windows().includes(dialog); tries++) {
    if (tries > TRIES) {
      await window.shot(`chooser-${path.basename(file)}`);
      throw new Error("the dialog stayed");
    }
    if (tries > 1) console.log(`the dialog is still there: try ${tries}`);
    // What it says of a path of which it got only some. Closing a question whether to write over a file is no.
    for (const other of windows()) if (other !== dialog && !before.includes(other)) execFileSync("wmctrl", ["-i", "-c", `0x${other.toString(16)}`]);
    try {
      await type(dialog, file, 100 * tries);
    } catch (error) {
      // It may go while it is looked at.
      if (windows().includes(dialog)) throw error;
    }
    await window.browser.waitUntil(() => !windows().includes(dialog), { timeout: 5000, interval: 50 }).catch(() => undefined);
  }
}
