import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { rows } from "./database.js";
import { newHome, openWindow, pagePid } from "./window.js";

const home = newHome();
let window;
before(async () => {
  window = await openWindow({ home });
  await window.ready();
});
after(() => window?.kill());

/** Waits without the driver: it gives up with the page that it drove. */
async function comes(is, what) {
  for (const end = Date.now() + 20_000; !is(); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > end) throw new Error(`it did not come about that ${what}`);
  }
}

test("a page that was lost is drawn anew, and the answer that was written stops where it was shown", async () => {
  await window.ask("Write a long story about a river, a mill and a waterfall.");
  await window.until((messages) => messages.at(-1)?.mine === false && messages.at(-1).text.length > 60, "there is some of an answer");
  const shown = (await window.messages()).at(-1).text;
  const lost = pagePid();
  process.kill(lost, "SIGKILL");
  await comes(() => pagePid() !== undefined && pagePid() !== lost, "something else draws the window");
  // Only a page that is at work asks for what it has to show, which ends the answer to the page before.
  const answer = () => rows(home, "SELECT text, receipt FROM message WHERE speaker = 'assistant'")[0];
  await comes(() => answer().receipt, "the answer ended");
  assert.equal(JSON.parse(answer().receipt).finish, "stopped");
  assert.ok(answer().text.startsWith(shown), "what was shown is there");
  await window.shot("page-drawn-anew");
});
