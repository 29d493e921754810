// Kills the app while someone chats, again and again, and looks at what is left.
import assert from "node:assert/strict";
import { faults, rows } from "./database.js";
import { newHome, openWindow } from "./window.js";

const QUESTIONS = ["Tell me a long story about a mill.", "What is a waterfall?", "川について短い話をしてください。", "Why do rivers bend?"];

/** Longest shown text, in milliseconds, that may be lost, with room for what the window and its driver take. */
const LOST = 1000;

/** Numbers from 0 to 1, the same for the same seed. */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One thing that people do, whichever is possible now. */
async function act(window, roll) {
  const pick = (list) => list[Math.floor(roll() * list.length)];
  const press = (id) => window.browser.execute((id) => document.querySelector(id)?.click(), id);
  const [what, question] = [roll(), pick(QUESTIONS)];
  await press('[data-testid="stop"]');
  if (what < 0.2) await press('[data-testid="new-conversation"]');
  else if (what < 0.35) return press('[data-testid="message-assistant"]:last-child [data-testid="answer-again"], .entry:last-child [data-testid="answer-again"]');
  else if (what < 0.5) return press('.entry:last-child [data-testid="continue"]');
  await window.browser.execute((text) => {
    const field = document.querySelector('[data-testid="composer"]');
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  }, question);
}

/** Chats until `end`, and gives everything that the window showed on the way: by id, the latest of each message. */
async function chat(window, roll, end) {
  const shown = new Map();
  let next = 0;
  while (Date.now() < end) {
    if (Date.now() >= next) {
      await act(window, roll);
      next = Date.now() + 200 + roll() * 2500;
    }
    const at = Date.now();
    for (const message of await window.messages()) {
      const seen = shown.get(message.id)?.seen ?? [];
      if (seen.at(-1)?.text !== message.text) seen.push({ at, text: message.text });
      shown.set(message.id, { ...message, seen });
    }
  }
  return shown;
}

/** Whether all letters of what was shown stand in what is kept, in this order; Markdown keeps more than it shows. */
function within(shown, kept) {
  let at = 0;
  for (const letter of shown.match(/\p{L}/gu) ?? []) {
    at = kept.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** What of an answer must be kept: all of a finished one, otherwise what later text was told after, twice. */
function due({ done, seen }) {
  if (done) return seen.at(-1).text;
  return seen.findLast(({ at }, index) => seen.slice(index + 1).filter((later) => later.at > at + LOST).length >= 2)?.text ?? "";
}

/** Fails if the database of `home` is damaged or lacks something of what was shown. */
export function check(home, shown) {
  assert.deepEqual(faults(home), []);
  const kept = new Map(rows(home, "SELECT id, speaker, text, finished, receipt, deleted FROM message").map((row) => [row.id, row]));
  for (const message of shown.values()) {
    const row = kept.get(message.id);
    assert.ok(row, `message ${message.id} was shown and is gone`);
    assert.equal(row.speaker, message.mine ? "user" : "assistant");
    assert.equal(row.deleted, null);
    if (message.mine) assert.equal(row.text, message.text);
    else {
      const text = due(message);
      assert.ok(within(text, row.text), `of answer ${message.id} was shown:\n${text}\nand is kept:\n${row.text}`);
      if (message.done) assert.ok(row.finished && row.receipt, `answer ${message.id} had ended`);
    }
  }
}

/**
 * Starts the app, chats, kills it and checks, `times` times with the same files. `told` hears of every kill.
 * Gives how many messages were shown, how many answers were cut off, the home folder and what was shown last.
 */
export async function kills(times, seed, told = () => undefined) {
  const home = newHome();
  const roll = dice(seed);
  let [messages, cut] = [0, 0];
  let last;
  for (let time = 1; time <= times; time++) {
    const window = await openWindow({ home });
    let shown;
    let killed = false;
    try {
      // Also while the model is still being loaded: what is typed then waits.
      if (roll() < 0.8) await window.ready();
      else await window.by("composer").waitForExist({ timeout: 20_000 });
      shown = await chat(window, roll, Date.now() + roll() * 4000);
      killed = true;
    } finally {
      await (killed ? window.kill() : window.close());
    }
    check(home, shown);
    last = shown;
    messages += shown.size;
    cut += [...shown.values()].filter(({ done }) => !done).length;
    told(time, shown.size);
  }
  return { messages, cut, home, last };
}
