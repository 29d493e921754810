import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { newHome, openWindow } from "./window.js";

test("who has nothing fetches a model and gets an answer to what was typed meanwhile", async () => {
  const home = newHome();
  const began = Date.now();
  // The files come from a folder, as on a computer without the internet.
  const window = await openWindow({ home, models: path.join(home, "models"), source: process.env.TAKI_MODELS });
  try {
    await window.by("first-run").waitForExist({ timeout: 20_000 });
    const { origin, paint } = await window.browser.execute(() => ({
      origin: performance.timeOrigin,
      paint: performance.getEntriesByType("paint").map(({ name, startTime }) => `${name} ${startTime.toFixed(0)} ms`),
    }));
    const asked = await window.browser.execute(() => performance.timeOrigin + performance.now());
    console.log(`first paint: ${paint.join(", ") || "not told"}; page began ${(origin - began).toFixed(0)} ms and text was seen ${(asked - began).toFixed(0)} ms after the drivers were called`);
    assert.equal((await window.all("ladder-card").length), 2);
    assert.match(await window.by("download").getText(), /MB/);
    await window.by("download").click();
    await window.ask("What is a waterfall? Answer in one sentence.");
    const shown = await window.until((messages) => messages.length === 2 && messages[1].done, "the first question was answered", 120_000);
    assert.equal(shown[0].text, "What is a waterfall? Answer in one sentence.");
    assert.ok(shown[1].text.length > 10);
    assert.equal(await window.by("engine-state").getAttribute("data-kind"), "ready");
  } finally {
    await window.close();
  }
});
