import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const { csp } = JSON.parse(readFileSync(here("../src-tauri/tauri.conf.json"), "utf8")).app.security as { csp: Record<string, string> };

// Another port where somebody else tests at the same time.
const port = Number(process.env.TAKI_UI_PORT ?? 4173);

// The same pages with a made-up backend, for the browser tests only; never part of what ships.
const mocked = process.env.TAKI_UI === "mock";

/** Formulas' letters in the one format that every engine of ours reads. */
const woff2Only: Plugin = {
  name: "woff2-only",
  enforce: "pre",
  transform: (code, id) => (id.includes("katex.min.css") ? code.replace(/,url\([^)]+\.(?:woff|ttf)\) format\("[a-z]+"\)/g, "") : undefined),
};

export default defineConfig({
  plugins: [svelte(), woff2Only],
  root: mocked ? here("./tests/mock") : here("."),
  resolve: { alias: { $problems: here("../crates/protocol/messages") } },
  build: { target: "safari15", outDir: mocked ? here("./node_modules/.mock") : here("./dist"), emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { fs: { allow: [here("..")] }, port: 5173, strictPort: true },
  // The browser tests run under the policy that the app has.
  preview: {
    port,
    strictPort: true,
    headers: { "Content-Security-Policy": Object.entries(csp).map((rule) => rule.join(" ")).join("; ") },
  },
  test: { root: here("."), include: ["src/**/*.test.ts"] },
});
