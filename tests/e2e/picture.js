// The picture of the README: a real conversation in the real window. With TAKI_MODELS where the larger ladder is.
import path from "node:path";
import { newHome, openWindow, shots } from "./window.js";

const window = await openWindow({ home: newHome('ladder = "qwen-coder"\n') });
try {
  await window.ready();
  const ask = async (question, count) => {
    await window.ask(question);
    await window.until((messages) => messages.length === count && messages.at(-1).done, `question ${count / 2} was answered`, 180_000);
  };
  await ask("Make a table of three rooms for a workshop of 20 people: Cedar (12 seats), Maple (24 seats, projector), Birch (30 seats). Which one fits?", 2);
  await ask("Write that table once more and add a column with the price a day: 40, 90 and 120 euros.", 4);
  await window.shot("picture");
  console.log(path.join(shots, "picture.png"));
} finally {
  await window.close();
}
