import { expect, test } from "vitest";
import { matching, type Entry } from "./entries";

const entry = (name: string, also?: string): Entry => ({ id: name, group: "", name, also, run: () => undefined });
const all = [entry("Export all"), entry("Zoom in", "拡大"), entry("設定", "Settings"), entry("All commands")];
const names = (query: string) => matching(all, query).map(({ name }) => name);

test("an entry is found by its words in either language, whatever their width and case", () => {
  expect(names("settings")).toEqual(["設定"]);
  expect(names("拡")).toEqual(["Zoom in"]);
  expect(names("ＺＯＯＭ")).toEqual(["Zoom in"]);
  expect(names("all export")).toEqual(["Export all"]);
  expect(names("nothing")).toEqual([]);
});

test("what begins with the query stands first, and without one nothing moves", () => {
  expect(names("all")).toEqual(["All commands", "Export all"]);
  expect(names(" ")).toEqual(all.map(({ name }) => name));
});
