import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { choose } from "./chooser.js";
import { SMOLLM2, smallModels } from "./models.js";
import { newHome, openWindow } from "./window.js";

const home = newHome();
const models = path.join(home, "models");
const stick = path.join(home, "stick");
/** What is asked of the network all the same. */
const asked = [];
const network = http.createServer((request, response) => {
  asked.push(request.url);
  response.writeHead(503).end();
});
let window;
before(async () => {
  smallModels(stick);
  await new Promise((resolve) => network.listen(0, "127.0.0.1", resolve));
  process.env.HF_ENDPOINT = `http://127.0.0.1:${network.address().port}`;
  window = await openWindow({ home, models });
});
after(async () => {
  await window?.close();
  delete process.env.HF_ENDPOINT;
  network.close();
});

/** Presses a button once it is there, and not before this call has come back: a dialog of the system may stand in its way. */
const press = (selector) =>
  window.browser.waitUntil(
    () =>
      window.browser.execute((selector) => {
        const found = document.querySelector(selector);
        if (found) setTimeout(() => found.click());
        return !!found;
      }, selector),
    { timeout: 20_000, timeoutMsg: `there is no ${selector}` },
  );

test("a ladder comes in from a folder that is chosen in the settings, without the network", async () => {
  await window.by("settings").click();
  await window.by("source-choose").waitForExist({ timeout: 20_000 });
  await choose(window, () => press('[data-testid="source-choose"]'), stick);
  await window.by("source-folder").waitForExist({ timeout: 10_000 });
  assert.equal(await window.by("source-folder").getText(), stick);
  assert.ok(fs.readFileSync(path.join(home, "config", "settings.toml"), "utf8").includes(stick));
  await window.by("open-ladders").click();
  await press('[data-testid="ladder-row"][data-ladder="smollm2"] [data-testid="ladder-download"]');
  await window.browser.waitUntil(() => fs.existsSync(path.join(models, SMOLLM2)), { timeout: 60_000, timeoutMsg: "it does not come in" });
  await window.by("ladders-close").click();
  await window.ready();
  await window.ask("Say hello.");
  const shown = await window.brief();
  assert.ok(shown.length === 2 && shown[1].text.length > 0, JSON.stringify(shown));
  assert.deepEqual(asked, []);
});

test("a stick that is pulled out is said to be missing until it is there again", async () => {
  const away = path.join(home, "pulled out");
  fs.renameSync(stick, away);
  await window.by("settings").click();
  await window.by("source-missing").waitForExist({ timeout: 10_000 });
  fs.renameSync(away, stick);
  // As when the window is looked at again.
  await window.browser.execute(() => window.dispatchEvent(new Event("focus")));
  await window.by("source-missing").waitForExist({ timeout: 10_000, reverse: true });
});
