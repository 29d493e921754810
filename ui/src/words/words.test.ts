import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { en } from "./en";
import { count, explain, fetchTime, fill, languageOf, shorten, size, waiting } from "./index";
import { ja } from "./ja";

const names = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))].sort();

test("both languages fill in the same values", () => {
  for (const key of Object.keys(en) as (keyof typeof en)[]) {
    expect(names(String(ja[key])), key).toEqual(names(String(en[key])));
    expect(String(ja[key]).length, key).toBeGreaterThan(0);
  }
});

test("values are filled in once and never read as names", () => {
  expect(fill("{a} and {b}", { a: "{b}", b: "x" })).toBe("{b} and x");
  expect(fill("{missing}", {})).toBe("?");
});

test("the system's language decides only when none is chosen", () => {
  expect(languageOf("system", ["de-CH", "ja-JP", "en"])).toBe("ja");
  expect(languageOf("system", ["en-GB", "ja"])).toBe("en");
  expect(languageOf("system", [])).toBe("en");
  expect(languageOf("en", ["ja"])).toBe("en");
});

test("a problem is a sentence and a next step in both languages", () => {
  const problem = { code: "no_such_ladder" as const, details: { name: "x", known: "a, b" } };
  expect(explain(problem, "en").sentence).toContain("x");
  expect(explain(problem, "en").next).toContain("a, b");
  expect(explain(problem, "ja").sentence).not.toBe(explain(problem, "en").sentence);
});

test("a reason is said in the user's language where it is known", () => {
  const problem = { code: "download_failed" as const, details: { name: "A", reason: "io: Connection refused (os error 111)", reason_en: "the server refuses connections", reason_ja: "サーバーが接続を拒否しました" } };
  expect(explain(problem, "ja").sentence).toBe("A をダウンロードできませんでした（サーバーが接続を拒否しました）。");
  expect(explain(problem, "en").sentence).toContain("(the server refuses connections)");
  expect(explain({ ...problem, details: { name: "A", reason: "something odd" } }, "ja").sentence).toContain("（something odd）");
});

test("sizes and times read like on a label", () => {
  expect(size(98_362_432)).toBe("98 MB");
  expect(size(1_117_320_768)).toBe("1.1 GB");
  expect(waiting(40.4, en)).toBe("40 s");
  expect(waiting(200, en)).toBe("3 min");
  expect(fetchTime(1_117_320_768, en)).toBe("about 3 min at 50 Mbit/s");
  expect(fetchTime(98_362_432, ja)).toBe("約 16 秒（50 Mbps の場合）");
});

/** Everything of the window but its texts. */
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !/\.test\.ts$|^words.((computing|ladders|downloads|updates)\.)?(en|ja)\.ts$|bindings/.test(name))
  .map((name) => readFileSync(join("src", name), "utf8"));

test("no text is left over", () => {
  const all = sources.join("\n");
  // What is fetched by a computed key stands as a string where the key is made.
  const unused = Object.keys(en).filter((key) => !new RegExp(`words\\.${key}\\b|"${key}"`).test(all));
  expect(unused).toEqual([]);
});

test("no component has text of its own", () => {
  const found: string[] = [];
  for (const name of readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".svelte"))) {
    const markup = readFileSync(join("src", name), "utf8").replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "");
    // Text between tags, without what stands in braces; names of languages and of the program are the same in all.
    let bare = markup;
    for (let before = ""; before !== bare; ) {
      before = bare;
      bare = bare.replace(/\{[^{}]*\}/g, "");
    }
    for (const [, text] of bare.matchAll(/>([^<>]*\p{L}[^<>]*)</gu)) if (!/^\s*(Taki|English|日本語)\s*$/.test(text ?? "")) found.push(`${name}: ${text?.trim()}`);
    for (const [, text] of bare.matchAll(/(?:title|aria-label|placeholder)="([^"]*\p{L}[^"]*)"/gu)) if (text !== "Esc") found.push(`${name}: ${text}`);
  }
  expect(found).toEqual([]);
});

test("a number chooses its form", () => {
  expect([0, 1, 2].map((n) => count("{n} hit|{n} hits", n, "en"))).toEqual(["0 hits", "1 hit", "2 hits"]);
  expect(count("{n} 件", 1234, "ja")).toBe("1,234 件");
});

test("a shortened text is one line and cuts no character in two", () => {
  expect(shorten("a\n b", 9)).toBe("a b");
  expect(shorten("𠮷野家へ行く", 3)).toBe("𠮷野家…");
});
