// How evenly the window is painted by this computer's WebKitGTK: while a long answer with code, tables and formulas is written, and while
// a conversation of a thousand messages is scrolled. The page is the window's own over a made-up app, so that the engine takes no time.
// Usage: run.sh paint [TOKENS_PER_SECOND]
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { remote } from "webdriverio";

const rate = Number(process.argv[2] ?? 100);
const ui = new URL("../../ui/", import.meta.url).pathname;
const folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/libexec"];
const binary = folders.map((folder) => `${folder}/webkit2gtk-4.1/MiniBrowser`).find((path) => fs.existsSync(path));
if (!binary) throw new Error("MiniBrowser is missing: it comes with libwebkit2gtk-4.1");

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

async function listening(port, host) {
  for (let tries = 0; tries < 300; tries++) {
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, host, () => (socket.destroy(), resolve(true)));
      socket.once("error", () => setTimeout(() => resolve(false), 100));
    });
    if (open) return;
  }
  throw new Error(`nothing listens on ${port}`);
}

const [port, page] = [await freePort(), await freePort()];
const env = { ...process.env, TAKI_UI: "mock", TAKI_UI_PORT: String(page) };
execFileSync("npx", ["vite", "build", "--logLevel", "error"], { cwd: ui, env, stdio: "inherit" });
const server = spawn("npx", ["vite", "preview"], { cwd: ui, env, stdio: "ignore", detached: true });
const driver = spawn("WebKitWebDriver", [`--port=${port}`], { stdio: "ignore" });
let browser;
try {
  await Promise.all([listening(page, "localhost"), listening(port, "127.0.0.1")]);
  browser = await remote({
    hostname: "127.0.0.1",
    port,
    logLevel: "error",
    capabilities: { browserName: "MiniBrowser", "wdio:enforceWebDriverClassic": true, "webkitgtk:browserOptions": { binary, args: ["--automation"] } },
  });
  await browser.setTimeout({ script: 120_000 });
  await browser.url(`http://localhost:${page}`);
  await browser.$('[data-testid="composer"]').waitForEnabled();
  report(`an answer of 2000 tokens, ${rate} a second`, await browser.executeAsync(written, rate));
  report("a thousand messages, scrolled by 60 pixels a frame", await browser.executeAsync(scrolled));
} finally {
  await browser?.deleteSession();
  driver.kill();
  process.kill(-server.pid);
}

function report(what, { times, ...rest }) {
  const spans = times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
  const at = (share) => spans[Math.min(spans.length - 1, Math.floor(share * spans.length))].toFixed(1);
  const seconds = (times.at(-1) - times[0]) / 1000;
  const missed = spans.filter((span) => span > 25).length;
  console.log(`${what}: ${spans.length} frames in ${seconds.toFixed(1)} s, ${(spans.length / seconds).toFixed(1)} a second`);
  console.log(`  from one to the next: half ${at(0.5)} ms, 95% ${at(0.95)} ms, 99% ${at(0.99)} ms, longest ${at(1)} ms; ${missed} took longer than 25 ms`);
  console.log(`  ${JSON.stringify(rest)}`);
}

/** In the page: an answer as it comes, painted once per frame. */
function written(rate, done) {
  const section = (at) => `## Part ${at}\n\nSome *plain* text with **weight**, a [link](https://example.org) and the formula $a_${at}^2 + b^2 = c^2$ in it. It goes on for a while.\n\n\`\`\`rust\nfn part_${at}(width: usize) -> Vec<f64> {\n    let mut sums = vec![0.0; width];\n    for (index, sum) in sums.iter_mut().enumerate() {\n        *sum = (index * ${at}) as f64; // a comment\n    }\n    sums\n}\n\`\`\`\n\n| name | count | share |\n|---|---:|---:|\n| one | ${at} | 10% |\n| two | ${2 * at} | 20% |\n| three | ${3 * at} | 30% |\n\n1. first\n2. second\n   - inner\n\n`;
  const tokens = Array.from({ length: 40 }, (_, at) => section(at + 1)).join("").match(/\s?[A-Za-z]{1,6}|\d|[^A-Za-z\d]{1,3}/g).slice(0, 2000);
  const composer = document.querySelector('[data-testid="composer"]');
  composer.value = "Write something long.";
  composer.dispatchEvent(new InputEvent("input", { bubbles: true }));
  composer.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  const times = [];
  let [began, at] = [0, 0];
  const frame = (time) => {
    began ||= time;
    times.push(time);
    if (at >= tokens.length) return done({ times, characters: tokens.join("").length, blocks: document.querySelectorAll(".markdown > *").length });
    requestAnimationFrame(frame);
  };
  const send = () => {
    if (began === 0) return;
    // As the app does: what came since the last piece, at most once in 16 ms.
    const until = Math.min(tokens.length, Math.floor(((performance.now() - start) / 1000) * rate));
    if (until > at) window.app.chat({ kind: "text", text: tokens.slice(at, until).join("") });
    at = until;
    if (at >= tokens.length) clearInterval(timer);
  };
  let [start, timer] = [0, 0];
  const asked = () => {
    if (!window.app.calls.some((call) => call.name === "send")) return setTimeout(asked, 20);
    window.app.chat({ kind: "saved", message: 11, answer: 12 });
    start = performance.now();
    timer = setInterval(send, 16);
    requestAnimationFrame(frame);
  };
  asked();
}

/** In the page: from the end of a long conversation upwards. */
function scrolled(done) {
  const text = (at) => (at % 2 ? `### Answer ${at}\n\n- **one** of ${at}\n- two\n\n| a | b |\n|---|---|\n| 1 | ${at} |\n\n\`\`\`js\nconst part = ${at};\n\`\`\`\n\nText.` : `Question ${at}`);
  const message = (_, at) => ({ id: at + 101, parent: at ? at + 100 : null, speaker: at % 2 ? "assistant" : "user", text: text(at), versions: [at + 101], attachments: [], receipt: null, problem: null, edited: null, atMs: at });
  window.app.chat({ kind: "failed", problem: { code: "cancelled", details: {} } });
  window.app.end();
  window.app.give.new_conversation = { ...window.app.opening.conversation, id: 7, messages: Array.from({ length: 1000 }, message) };
  const times = [];
  const frame = (time) => {
    times.push(time);
    const view = document.querySelector('[data-testid="transcript"]');
    view.scrollTop -= 60;
    if (times.length < 900 && view.scrollTop > 0) return requestAnimationFrame(frame);
    done({ times, messages: document.querySelectorAll("article").length });
  };
  const opened = () => {
    const button = document.querySelector('[data-testid="new-conversation"]');
    if (button && !document.body.textContent.includes("Question 998")) button.click();
    if (!document.body.textContent.includes("Question 998")) return setTimeout(opened, 500);
    setTimeout(() => requestAnimationFrame(frame), 1500);
  };
  setTimeout(opened, 500);
}
