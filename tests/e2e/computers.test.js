import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { newHome, openWindow } from "./window.js";

/** Lends what this computer has, as another one would. */
async function lend() {
  const port = await new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const program = path.join(path.dirname(process.env.TAKI_APP), "taki");
  const child = spawn(program, ["rpc-server", "--port", String(port), "--threads", "1"], { env: { ...process.env, TAKI_HOME: newHome() }, stdio: "ignore" });
  for (let tries = 0; ; tries++) {
    const listens = await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (listens) return { child, address: `127.0.0.1:${port}` };
    assert.ok(tries < 300 && child.exitCode === null, "it does not listen");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("another computer that computes along", () => {
  let window, other;
  before(async () => {
    other = await lend();
    // All of it there, however slow: without a number it would be tried once and left out.
    window = await openWindow({ home: newHome("gpuLayers = 99\n") });
    await window.ready();
  });
  after(async () => {
    await window?.close();
    other?.child.kill();
  });

  /** Names computers in the settings and waits for what is said of them there. */
  async function name(addresses, said) {
    await window.by("settings").click();
    await window.by("workers-field").setValue(addresses);
    await window.by("workers-field").addValue("\uE007");
    const hint = () => window.browser.execute(() => document.getElementById("workers-hint").textContent);
    await window.browser.waitUntil(async () => said.test(await hint()), { timeout: 30_000, timeoutMsg: "what came of it was not told" }).catch(async (error) => assert.fail(`${error}: ${await hint()}`));
    await window.shot("other-computers");
    await window.by("settings-close").click();
  }

  test("one that cannot be reached is told with the reason, and one that can computes along", async () => {
    await name("127.0.0.1:1", /127\.0\.0\.1:1 cannot compute along/);
    const called = other.address.replace("127.0.0.1", "localhost");
    await name(called, new RegExp(`Computing along: ${called}`));
    await window.by("settings").click();
    const why = await window.browser.execute(() => document.getElementById("processor-hint").textContent);
    assert.match(why, /nothing to choose from|none of them uses more of it|The only version/, "why this part of Taki computes with the processor");
    await window.by("settings-close").click();
    await window.ask("What is a waterfall?");
    const shown = await window.brief();
    assert.ok(shown.at(-1).text.length > 20);
  });

  test("one that is lost in the middle of an answer leaves the rest to this one, which says so", async () => {
    await window.ask("Write a long story about a river, a mill and a waterfall.");
    await window.browser.waitUntil(async () => (await window.answer()).length > 40, { timeout: 60_000, interval: 20 });
    const shown = await window.answer();
    other.child.kill("SIGKILL");
    await window.browser.waitUntil(async () => (await window.answer()).length > shown.length + 100, { timeout: 60_000, timeoutMsg: "the answer did not go on" });
    assert.ok((await window.answer()).startsWith(shown), "shown text is unchanged");
    await window.shot("other-computer-lost");
    await window.by("stop").click().catch(() => undefined);
    await window.answered();
    await window.browser.waitUntil(async () => /cannot compute along/.test(await window.browser.execute(() => document.body.innerText)), { timeout: 10_000, timeoutMsg: "it was not told" });
  });
});
