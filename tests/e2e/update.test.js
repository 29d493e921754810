// An update as an office gives it out, taken by the real program as if it were an AppImage.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { packaged, signer } from "./packaged.js";

const { folder, file: image, program } = packaged("APP", "Taki.AppImage");
process.env.APPIMAGE = process.env.TAKI_APP = image;
// Where it would be mounted.
process.env.APPDIR = folder;
const { appPid, newHome, openWindow } = await import("./window.js");

test("an update of the office is refused with another key, then installed, and runs after the restart", async () => {
  const [share, home] = [fs.mkdtempSync(path.join(process.env.TAKI_WORK, "share-")), newHome()];
  const [office, other] = [signer(), signer()];
  // What is behind its end does not matter to a program.
  const fresh = Buffer.concat([program, Buffer.from("new")]);
  const publish = (by) => fs.writeFileSync(path.join(share, "latest.json"), JSON.stringify({ version: "0.2.0", notes: "Answers begin sooner.", platforms: { [`linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}-appimage`]: { url: "p", signature: by.sign(fresh, "0.2.0") } } }));
  fs.writeFileSync(path.join(share, "p"), fresh);
  const rules = path.join(home, "policy.toml");
  fs.writeFileSync(rules, `updateKey = "${office.key}"\n[settings]\nupdates = "${share}"\n`);
  // As one that was killed in the middle has left it.
  const left = path.join(folder, ".taki-update-abcdef.part");
  fs.writeFileSync(left, program.subarray(0, 1000));
  const window = await openWindow({ home, rules });
  const told = (what, pattern) => window.browser.waitUntil(async () => pattern.test(await window.by("update-said").getProperty("textContent")), { timeout: 20_000, timeoutMsg: `it was not said that ${what}` });
  try {
    await window.ready();
    assert.ok(!fs.existsSync(left), "what a kill had left lies there still");
    await window.by("settings").click();
    await window.by("update-turn").waitForExist();
    assert.equal(await window.by("updates-field").isEnabled(), false);
    publish(other);
    await window.by("update-turn").click();
    await told("there is one", /0\.2\.0 is available/);
    await window.by("update-turn").click();
    await told("it was refused", /signature is not that of the key/);
    assert.ok(fs.readFileSync(image).equals(program), "the program is another one");
    publish(office);
    await window.by("update-turn").click();
    await told("there is one", /0\.2\.0 is available/);
    await window.by("update-turn").click();
    await told("it is installed", /0\.2\.0 is installed/);
    window.shot("update");
    assert.ok(fs.readFileSync(image).equals(fresh), "the program is not the new one");
    const before = appPid();
    // The session ends with the program.
    await window.by("update-turn").click().catch(() => undefined);
    for (let tries = 0; [undefined, before].includes(appPid()); tries++) {
      assert.ok(tries < 300, "it did not start again");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(fs.readFileSync(`/proc/${appPid()}/exe`).equals(fresh), "another program runs");
    process.kill(appPid(), "SIGTERM");
  } finally {
    await window.close();
  }
});
