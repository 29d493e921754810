// An update as an office gives it out, taken by the real program as if it were an AppImage.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

// The program itself with its libraries beside it: of an AppImage it has only the mark that the packager would give it.
const folder = fs.mkdtempSync(path.join(process.env.TAKI_WORK, "image-"));
const image = path.join(folder, "Taki.AppImage");
const program = Buffer.from(fs.readFileSync(process.env.TAKI_APP));
const mark = program.indexOf("__TAURI_BUNDLE_TYPE_VAR_UNK");
program.write("APP", mark + "__TAURI_BUNDLE_TYPE_VAR_".length);
fs.writeFileSync(image, program, { mode: 0o755 });
const built = path.dirname(process.env.TAKI_APP);
for (const name of fs.readdirSync(built).filter((name) => /\.so(\.|$)|^modules$/.test(name))) fs.symlinkSync(path.join(built, name), path.join(folder, name));
process.env.APPIMAGE = process.env.TAKI_APP = image;
// Where it would be mounted.
process.env.APPDIR = folder;
const { appPid, newHome, openWindow } = await import("./window.js");

/** A key, and what signs with it, in minisign's format. */
function signer() {
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ed25519");
  const id = crypto.randomBytes(8);
  const file = (...lines) => Buffer.from(`${lines.join("\n")}\n`).toString("base64");
  const known = Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url");
  return {
    key: file("untrusted comment: key", Buffer.concat([Buffer.from("Ed"), id, known]).toString("base64")),
    sign(bytes, version) {
      const comment = `timestamp:1\tfile:p\tversion:${version}`;
      const signature = crypto.sign(null, crypto.createHash("blake2b512").update(bytes).digest(), privateKey);
      const whole = crypto.sign(null, Buffer.concat([signature, Buffer.from(comment)]), privateKey);
      return file("untrusted comment: signature", Buffer.concat([Buffer.from("ED"), id, signature]).toString("base64"), `trusted comment: ${comment}`, whole.toString("base64"));
    },
  };
}

test("an update of the office is refused with another key, then installed, and runs after the restart", async () => {
  assert.ok(mark > 0, "the program has no place for the packager's mark");
  const [share, home] = [fs.mkdtempSync(path.join(process.env.TAKI_WORK, "share-")), newHome()];
  const [office, other] = [signer(), signer()];
  // What is behind its end does not matter to a program.
  const fresh = Buffer.concat([program, Buffer.from("new")]);
  const publish = (by) => fs.writeFileSync(path.join(share, "latest.json"), JSON.stringify({ version: "0.2.0", notes: "Answers begin sooner.", platforms: { "linux-x86_64-appimage": { url: "p", signature: by.sign(fresh, "0.2.0") } } }));
  fs.writeFileSync(path.join(share, "p"), fresh);
  const rules = path.join(home, "policy.toml");
  fs.writeFileSync(rules, `updateKey = "${office.key}"\n[settings]\nupdates = "${share}"\n`);
  const window = await openWindow({ home, rules });
  const told = (what, pattern) => window.browser.waitUntil(async () => pattern.test(await window.by("update-said").getProperty("textContent")), { timeout: 20_000, timeoutMsg: `it was not said that ${what}` });
  try {
    await window.ready();
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
