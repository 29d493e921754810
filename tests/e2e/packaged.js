// What a packager and whoever publishes updates make: a program of a kind of package, keys and signatures.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const MARK = "__TAURI_BUNDLE_TYPE_VAR_";

/** The program in a folder of its own under this name, its libraries beside it: of a package it has only the mark of its kind. */
export function packaged(kind, name) {
  const folder = fs.mkdtempSync(path.join(process.env.TAKI_WORK, "packaged-"));
  const file = path.join(folder, name);
  const program = Buffer.from(fs.readFileSync(process.env.TAKI_APP));
  const mark = program.indexOf(`${MARK}UNK`);
  if (mark < 0) throw new Error("the program has no place for the packager's mark");
  program.write(kind, mark + MARK.length);
  fs.writeFileSync(file, program, { mode: 0o755 });
  const built = path.dirname(process.env.TAKI_APP);
  for (const library of fs.readdirSync(built).filter((found) => /\.so(\.|$)|^modules$/.test(found))) fs.symlinkSync(path.join(built, library), path.join(folder, library));
  return { folder, file, program };
}

/** A key, and what signs with it, in minisign's format. */
export function signer() {
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
