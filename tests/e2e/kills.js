// As the test, but as often as one likes: kills.js [HOW_MANY [SEED]]
import { kills } from "./killing.js";

const [times, seed] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? Date.now() % 1_000_000)];
console.log(`${times} kills, seed ${seed}`);
const { messages, cut } = await kills(times, seed, (time, shown) => console.log(`kill ${time}: ${shown} messages were shown, all are there`));
if (messages === 0) throw new Error("nothing was shown");
console.log(`${times} kills, ${messages} messages seen, ${cut} of them answers in the making: nothing was lost, every file was whole`);
