import { expect, test } from "vitest";
import { matches } from "./actions";

const key = (key: string, change: Partial<KeyboardEvent> = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...change }) as KeyboardEvent;

test("keys mean what is written on them", () => {
  expect(matches("Ctrl+N", key("n", { ctrlKey: true }))).toBe(true);
  expect(matches("Ctrl+N", key("n", { metaKey: true })), "Command on a Mac").toBe(true);
  expect(matches("Ctrl+N", key("n"))).toBe(false);
  expect(matches("Ctrl+N", key("N", { ctrlKey: true, shiftKey: true }))).toBe(false);
  expect(matches("Ctrl+P", key("P", { ctrlKey: true, shiftKey: true }))).toBe(false);
  expect(matches("Ctrl+Shift+P", key("P", { ctrlKey: true, shiftKey: true }))).toBe(true);
  expect(matches("F1", key("F1"))).toBe(true);
  expect(matches("Esc", key("Escape"))).toBe(true);
});

test("a character that needs Shift on some keyboards is that character on all", () => {
  expect(matches("Ctrl++", key("+", { ctrlKey: true, shiftKey: true }))).toBe(true);
  expect(matches("Ctrl++", key("+", { ctrlKey: true }))).toBe(true);
  expect(matches("Ctrl+-", key("-", { ctrlKey: true }))).toBe(true);
  expect(matches("Ctrl+/", key("/", { ctrlKey: true, shiftKey: true }))).toBe(true);
  expect(matches("Ctrl+,", key(",", { ctrlKey: true, altKey: true }))).toBe(false);
});
