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

/** A new home folder; the window of a test writes nowhere else. */
export const newHome = () => fs.mkdtempSync(path.join(work, "home-"));

/** Opens the window. One session per driver. */
export async function openWindow({ home, models = process.env.TAKI_MODELS }) {
  const [port, native] = [await freePort(), await freePort()];
  const env = { ...process.env, TAKI_HOME: home, TAKI_MODELS: models, LANG: "en_US.UTF-8" };
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
  const by = (id) => browser.$(`[data-testid="${id}"]`);
  return {
    browser,
    by,
    all: (id) => browser.$$(`[data-testid="${id}"]`),
    /** The latest answer's text as the page has it. */
    answer: () => browser.execute(() => [...document.querySelectorAll('[data-testid="message-assistant"] [data-testid="message-text"]')].at(-1)?.textContent ?? ""),
    async ask(text) {
      await by("composer").setValue(text);
      await by("composer").addValue("\uE007");
    },
    ready: () => browser.waitUntil(async () => (await by("engine-state").getAttribute("data-kind")) === "ready", { timeout: 60_000, timeoutMsg: "the model was not loaded" }),
    answered: () => by("send").waitForExist({ timeout: 120_000 }),
    // Of the display, not through WebDriver: that waits for a repaint, which a window at rest never makes.
    shot: (name) => execFileSync("scrot", ["--overwrite", "--focused", path.join(shots, `${name}.png`)]),
    async close() {
      await browser.deleteSession().catch(() => undefined);
      await end();
      // The next start would only show the window of one that is still saying its last words.
      for (let tries = 0; appPid() !== undefined; tries++) {
        if (tries === 100) throw new Error("the app did not end");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
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
