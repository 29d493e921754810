import assert from "node:assert/strict";
import { test } from "node:test";
import { kills } from "./killing.js";

test("killed five times while chatting, nothing that was shown as kept is lost", async () => {
  const { messages, cut } = await kills(5, 1);
  assert.ok(messages >= 5, `only ${messages} messages were shown`);
  assert.ok(cut > 0, "no answer was cut off");
});
