// An update of the system's own package, taken by the real program as if it had been installed from a .deb: a pkexec of the test's, and dpkg in a folder.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { packaged, signer } from "./packaged.js";

const DPKG = "/usr/bin/dpkg";
const work = (name) => fs.mkdtempSync(path.join(process.env.TAKI_WORK, `${name}-`));
const [tools, system] = [work("tools"), work("system")];
const [asked, answer] = [path.join(tools, "asked"), path.join(tools, "answer")];

// Says what `answer` says. What nobody is to be asked with instead only leaves a line.
const programs = {
  pkexec: `[ "$(cat '${answer}')" = yes ] || { echo "Error executing command as another user: Request dismissed" >&2; exit 126; }
[ "$1 $2 $3" = "--disable-internal-agent ${DPKG} --install" ] || exit 2
PATH=/usr/sbin:/usr/bin:/sbin:/bin exec ${DPKG} --root='${system}' --log='${system}/log' --force-not-root --force-script-chrootless --install "$4"`,
  sudo: "exit 1",
  zenity: "exit 1",
  kdialog: "exit 1",
};
for (const [name, does] of Object.entries(programs)) fs.writeFileSync(path.join(tools, name), `#!/bin/sh\necho "${name} $*" >>'${asked}'\n${does}\n`, { mode: 0o755 });
process.env.PATH = `${tools}:${process.env.PATH}`;
process.env.TAKI_APP = packaged("DEB", "taki-app").file;
const { newHome, openWindow } = await import("./window.js");

/** A package with one file, which dpkg installs into the folder. */
function debian() {
  const [tree, file] = [work("tree"), path.join(tools, "fresh.deb")];
  for (const folder of ["DEBIAN", "usr/share/taki-test"]) fs.mkdirSync(path.join(tree, folder), { recursive: true });
  // Temporary folders are closed to others, which dpkg-deb does not take.
  for (const folder of [".", "DEBIAN"]) fs.chmodSync(path.join(tree, folder), 0o755);
  fs.writeFileSync(path.join(tree, "DEBIAN/control"), "Package: taki-test\nVersion: 0.2.0\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: an update\n");
  fs.writeFileSync(path.join(tree, "usr/share/taki-test/new"), "new");
  execFileSync("dpkg-deb", ["--root-owner-group", "--build", tree, file], { stdio: "ignore" });
  for (const folder of ["info", "updates"]) fs.mkdirSync(path.join(system, "var/lib/dpkg", folder), { recursive: true });
  fs.writeFileSync(path.join(system, "var/lib/dpkg/status"), "");
  return fs.readFileSync(file);
}

test("a package is installed with the administrator's password, and nothing happens without it", { skip: !fs.existsSync(DPKG) && "there is no dpkg here" }, async () => {
  const [share, home, office] = [work("share"), newHome(), signer()];
  const fresh = debian();
  fs.writeFileSync(path.join(share, "p"), fresh);
  fs.writeFileSync(path.join(share, "latest.json"), JSON.stringify({ version: "0.2.0", notes: "", platforms: { "linux-x86_64-deb": { url: "p", signature: office.sign(fresh, "0.2.0") } } }));
  const rules = path.join(home, "policy.toml");
  fs.writeFileSync(rules, `updateKey = "${office.key}"\n[settings]\nupdates = "${share}"\n`);
  fs.writeFileSync(answer, "no");
  const installed = path.join(system, "usr/share/taki-test/new");
  const lines = () => (fs.existsSync(asked) ? fs.readFileSync(asked, "utf8").trim().split("\n") : []);
  const window = await openWindow({ home, rules });
  const told = (what, pattern) => window.browser.waitUntil(async () => pattern.test(await window.by("update-said").getProperty("textContent")), { timeout: 20_000, timeoutMsg: `it was not said that ${what}` });
  try {
    await window.ready();
    await window.by("settings").click();
    await window.by("update-turn").waitForExist();
    await window.by("update-turn").click();
    await told("there is one", /0\.2\.0 is available/);
    await window.by("update-turn").click();
    await window.browser.waitUntil(async () => lines().length > 0, { timeout: 20_000, timeoutMsg: "nobody was asked for the password" });
    await told("there still is one", /0\.2\.0 is available/);
    assert.ok(!fs.existsSync(installed), "it was installed without the password");
    fs.writeFileSync(answer, "yes");
    await window.by("update-turn").click();
    await told("it is installed", /0\.2\.0 is installed/);
    assert.equal(fs.readFileSync(installed, "utf8"), "new");
    assert.deepEqual(lines().map((line) => line.split(" ").slice(0, 4).join(" ")), Array(2).fill(`pkexec --disable-internal-agent ${DPKG} --install`), "somebody was asked in another way");
  } finally {
    await window.close();
  }
});
