import assert from "node:assert/strict";
import { test } from "node:test";
import { check, kills } from "./killing.js";

test("killed five times while chatting, nothing that was shown as kept is lost", async () => {
  const { messages, cut, home, last } = await kills(5, 1);
  assert.ok(messages >= 5, `only ${messages} messages were shown`);
  assert.ok(cut > 0, "no answer was cut off");

  // And what is lost would have been noticed.
  const lost = (message) => new Map([...last, [message.id, message]]);
  const one = [...last.values()][0];
  assert.throws(() => check(home, lost({ ...one, id: 1_000_000 })), /is gone/);
  assert.throws(() => check(home, lost({ ...one, mine: false, done: true, seen: [{ at: 0, text: `${one.text} zzzz` }] })));
});
