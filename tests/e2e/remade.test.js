import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { SMOLLM2, smallModels } from "./models.js";
import { newHome, openWindow } from "./window.js";

const HASH = SMOLLM2.replace(".gguf", "");

/** A recipe that somebody else handed on: the small model, and a version of it that another llama.cpp made. */
const RECIPE = `taki_recipe = 1
id = "theirs"
name = "Theirs"
rungs = ["smollm2-135m", "smaller"]
max_gram = true

[[model]]
id = "smollm2-135m"
name = "SmolLM2 135M"
file = "smollm2.gguf"
bytes = 98362432
sha256 = "${HASH}"

[[model]]
id = "smaller"
name = "SmolLM2 135M Q2_K"
file = "smaller.gguf"
bytes = 54000000
sha256 = "${"ab".repeat(32)}"

[model.made_from]
name = "SmolLM2 135M"
sha256 = "${HASH}"
mix = "Q2_K"
`;

describe("a ladder with what was made elsewhere", () => {
  const home = newHome();
  const models = path.join(home, "models");
  const ladders = path.join(home, "data", "ladders");
  let window;
  before(async () => {
    smallModels(models);
    fs.mkdirSync(ladders, { recursive: true });
    fs.writeFileSync(path.join(ladders, "ladder-theirs.toml"), RECIPE);
    window = await openWindow({ home, models });
    await window.ready();
  });
  after(() => window?.close());

  test("what nobody offers is made here, and the ladder answers with it", async () => {
    await window.by("settings").click();
    await window.by("open-ladders").click();
    const row = () => window.browser.$('[data-ladder="theirs"]');
    await row().waitForExist();
    assert.match(await row().getText(), /Made here from its original, because nobody offers it: SmolLM2 135M Q2_K/);
    const get = await row().$('[data-testid="ladder-download"]');
    assert.equal(await get.getText(), "Get (54 MB)");
    if (process.env.TAKI_SHOTS) await window.shot("to-make");
    await get.click();
    await window.browser.waitUntil(async () => (await row().getText()).includes("in use"), { timeout: 120_000, timeoutMsg: "it is not in use" });
    assert.equal(await row().$('[data-testid="to-make"]').isExisting(), false);
    const made = fs.readFileSync(path.join(ladders, "ladder-theirs.toml"), "utf8");
    assert.ok(!made.includes("abab") && made.includes('mix = "Q2_K"'), made);
    assert.ok(fs.readFileSync(path.join(ladders, "earlier", "ladder-theirs", "1.toml"), "utf8").includes("abab"), "what it named before can be had back");
    await window.by("ladders-close").click();
    await window.ready();
    await window.ask("Say hello.");
    const [, answer] = await window.brief();
    assert.ok(answer.done && answer.text, JSON.stringify(answer));
  });
});
