import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

/** What the window reads at its start and later, without fonts, in bytes as they would go through a network. */
const MOST = 1_000_000;

test("the page stays small", () => {
  expect(existsSync("dist/index.html"), "build the page first: npm run build").toBe(true);
  const files = readdirSync("dist", { recursive: true, encoding: "utf8" }).filter((name) => /\.(html|js|css|svg)$/.test(name));
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(join("dist", name))).length, 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(MOST);
});
