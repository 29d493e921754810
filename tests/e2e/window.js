// A real window with folders of its own, driven through WebDriver.
import { spawn, execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { remote } from "webdriverio";

const work = process.env.TAKI_WORK;
export const shots = process.env.TAKI_SHOTS;
const app = process.env.TAKI_APP;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function listening(port, child) {
  for (;;) {
    if (child.exitCode !== null) throw new Error("tauri-driver ended");
    const open = await new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
      socket.once("error", () => setTimeout(() => resolve(false), 50));
    });
    if (open) return;
  }
}

/** The next start would only show the window of one that is still saying its last words. */
async function gone() {
  for (let tries = 0; appPid() !== undefined || workerPid() !== undefined; tries++) {
    // On a busy machine the driver now and then ends what draws the page, or goes away, without closing the window: the app
    // knows nothing of it.
    if (tries === 50 && appPid() !== undefined) {
      console.log("the driver left the window open");
      process.kill(appPid(), "SIGTERM");
    }
    if (tries === 100) throw new Error(appPid() === undefined ? "the worker did not end" : "the app did not end");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What was learned of ladders by the first window: measuring them for every test would take long. */
const learned = path.join(work, "learned");

/** A new home folder, with a file of settings if its lines are given; the window of a test writes nowhere else. */
export function newHome(settings) {
  const home = fs.mkdtempSync(path.join(work, "home-"));
  if (settings) {
    fs.mkdirSync(path.join(home, "config"));
    fs.writeFileSync(path.join(home, "config", "settings.toml"), settings);
  }
  if (fs.existsSync(learned)) fs.cpSync(learned, path.join(home, "data", "learned"), { recursive: true });
  return home;
}

/** Keeps what the window of `home` learned for those that come after it. */
function keepLearned(home) {
  const own = path.join(home, "data", "learned");
  if (fs.existsSync(own) && !fs.existsSync(learned)) fs.cpSync(own, learned, { recursive: true });
}

/** Puts conversations into a home folder through the terminal program, which lies beside the window's. */
export function seed(home, conversations) {
  const file = path.join(work, "seed.json");
  const said = ({ messages, ...rest }) => ({ ...rest, messages: messages.map((message, at) => ({ parent: at > 0 ? at - 1 : null, at_ms: rest.at_ms + at, ...message })) });
  fs.writeFileSync(file, JSON.stringify({ taki_conversations: 1, conversations: conversations.map(said) }));
  execFileSync(path.join(path.dirname(app), "taki"), ["chats", "import", file], { env: { ...process.env, TAKI_HOME: home } });
}

/** So many times as long as usual is waited before something counts as failed: other programs may have most of the computer. */
const PATIENCE = 3;

/** Opens the window. One session per driver. */
export async function openWindow({ home, models = process.env.TAKI_MODELS, source = "", rules = "" }) {
  const [port, native] = [await freePort(), await freePort()];
  const env = { ...process.env, TAKI_HOME: home, TAKI_MODELS: models, TAKI_SOURCE: source, TAKI_POLICY: rules, LANG: "en_US.UTF-8" };
  const folders = fs.mkdtempSync(path.join(work, "xdg-"));
  for (const name of ["CONFIG", "DATA", "CACHE", "STATE"]) env[`XDG_${name}_HOME`] = path.join(folders, name);
  const driver = spawn("tauri-driver", ["--port", String(port), "--native-port", String(native)], { env, stdio: ["ignore", "ignore", process.env.TAKI_E2E_VERBOSE ? "inherit" : "ignore"] });
  await listening(port, driver);
  // It passes requests on to the browser's own driver, which may come up later, and drops them until then.
  await listening(native, driver);
  const end = () => {
    driver.kill();
    return new Promise((resolve) => (driver.exitCode === null && driver.signalCode === null ? driver.once("exit", resolve) : resolve()));
  };
  const opening = remote({
    hostname: "127.0.0.1",
    port,
    logLevel: "error",
    connectionRetryCount: 0,
    connectionRetryTimeout: 30_000,
    capabilities: { browserName: "wry", "wdio:enforceWebDriverClassic": true, "tauri:options": { application: app } },
  });
  // One that does not open must not stand in the way of the next.
  const browser = await opening.catch(async (error) => {
    await end();
    for (const { pid } of processes().filter(({ command }) => command[0] === app)) process.kill(pid, "SIGKILL");
    throw error;
  });
  const patient = (options = {}) => ({ ...options, timeout: PATIENCE * (options.timeout ?? 5000) });
  browser.overwriteCommand("waitUntil", (wait, is, options) => wait(is, patient(options)));
  for (const wait of ["waitForExist", "waitForDisplayed", "waitForEnabled"]) browser.overwriteCommand(wait, (wait, options) => wait(patient(options)), true);
  const by = (id) => browser.$(`[data-testid="${id}"]`);
  return {
    browser,
    by,
    all: (id) => browser.$$(`[data-testid="${id}"]`),
    /** The latest answer's text as the page has it. */
    answer: () => browser.execute(() => [...document.querySelectorAll('[data-testid="message-assistant"] [data-testid="message-text"]')].at(-1)?.textContent ?? ""),
    /** What the conversation shows, in order. `done`: nothing is being written into it. */
    messages: () =>
      browser.execute(() =>
        [...document.querySelectorAll("[data-message]")].map((message) => {
          const text = message.querySelector('[data-testid="message-text"]')?.cloneNode(true);
          // Names and buttons of code and tables are no part of what was said.
          for (const extra of text?.querySelectorAll("figcaption, button") ?? []) extra.remove();
          return {
            id: Number(message.dataset.message),
            mine: message.dataset.testid === "message-user",
            text: text?.textContent ?? "",
            version: message.querySelector('[data-testid="version"]')?.textContent,
            done: message.getAttribute("aria-busy") !== "true" && (message.dataset.testid === "message-user" || !!message.querySelector('[data-testid="receipt"]')),
          };
        }),
      ),
    /** Waits until `is` holds for what the conversation shows, and gives that. */
    async until(is, what, timeout = 60_000) {
      let shown;
      await browser.waitUntil(async () => is((shown = await this.messages())), { timeout, interval: 20, timeoutMsg: `it did not come about that ${what}` });
      return shown;
    },
    /** Some of an answer to the last question; the small model may go on for long. Gives what is shown then. */
    async brief() {
      await this.until((messages) => messages.at(-1)?.mine === false && (messages.at(-1).text.length > 20 || messages.at(-1).done), "there is some of an answer");
      // It may be there only in a moment, and be gone again when the answer has ended by itself.
      await by("stop").click().catch(() => undefined);
      let shown;
      // Something that is just going may have been in its way.
      await browser.waitUntil(async () => (shown = await this.messages()).at(-1).done || browser.execute(() => void document.querySelector('[data-testid="stop"]')?.click()), { timeout: 60_000, interval: 200, timeoutMsg: "it did not come about that the answer ended" });
      return shown;
    },
    /** A button of a message: what is to be seen of it depends on the mouse, what it does does not. */
    press: (message, button) => browser.execute((id, button) => document.querySelector(`[data-message="${id}"] ${button}`).click(), message, button),
    async ask(text) {
      await by("composer").setValue(text);
      await by("composer").addValue("\uE007");
    },
    /** Drops a file with these contents on the window. */
    drop: (name, contents) =>
      browser.execute(
        (name, base64) => {
          const files = new DataTransfer();
          files.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
          for (const kind of ["dragenter", "dragover", "drop"]) window.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
        },
        name,
        Buffer.from(contents).toString("base64"),
      ),
    ready: () => browser.waitUntil(async () => (await by("engine-state").getAttribute("data-kind")) === "ready", { timeout: 60_000, timeoutMsg: "the model was not loaded" }),
    answered: () => by("send").waitForExist({ timeout: 120_000 }),
    // Of the display, not through WebDriver: that waits for a repaint, which a window at rest never makes.
    shot: (name) => execFileSync("scrot", ["--overwrite", "--focused", path.join(shots, `${name}.png`)]),
    /** Ends the app at once, as a power cut would. The worker must follow by itself. */
    async kill() {
      process.kill(appPid(), "SIGKILL");
      await end();
      await gone();
      keepLearned(home);
    },
    async close() {
      await browser.deleteSession().catch((error) => console.log(`the driver did not close the window: ${error}`));
      await end();
      await gone();
      keepLearned(home);
    },
  };
}

/** Processes whose command line matches, with their ids. */
function processes() {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        const parent = Number(/^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
        return [{ pid: Number(pid), parent, command }];
      } catch {
        return [];
      }
    });
}

export const appPid = () => processes().find(({ command }) => command[0] === app && command[1] !== "worker")?.pid;
export const workerPid = () => processes().find(({ command }) => command[0] === app && command[1] === "worker")?.pid;

/** What draws the window. */
export const pagePid = () => processes().find(({ pid, command }) => command[0].endsWith("/WebKitWebProcess") && family().includes(pid))?.pid;

/** The app with everything it started, the worker too. */
export function family() {
  const all = processes();
  const members = new Set([appPid()]);
  for (let grown = -1; grown !== members.size; ) {
    grown = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return [...members].filter(Boolean);
}

/** Memory of processes in MB: shared pages are divided among those who share them. */
export const megabytes = (pids) =>
  pids.reduce((sum, pid) => {
    try {
      return sum + Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
    } catch {
      return sum;
    }
  }, 0);

/** Processor time of processes in seconds. */
export const cpuSeconds = (pids) =>
  pids.reduce((sum, pid) => {
    try {
      const fields = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
      return sum + (Number(fields[11]) + Number(fields[12])) / Number(execFileSync("getconf", ["CLK_TCK"]));
    } catch {
      return sum;
    }
  }, 0);
