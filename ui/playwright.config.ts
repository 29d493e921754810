import { execSync } from "node:child_process";
import { defineConfig } from "@playwright/test";

const found = (names: string[]) => names.map((name) => execSync(`command -v ${name} || true`).toString().trim()).find(Boolean);

const address = `http://localhost:${process.env.TAKI_UI_PORT ?? 4173}`;

export default defineConfig({
  testDir: "tests",
  outputDir: "node_modules/.playwright",
  fullyParallel: true,
  workers: 2,
  reporter: "list",
  use: {
    baseURL: address,
    viewport: { width: 900, height: 720 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? found(["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]),
      args: ["--no-sandbox", "--disable-background-networking"],
    },
  },
  webServer: { command: "npx vite build && npx vite preview", env: { TAKI_UI: "mock" }, url: address, timeout: 60_000 },
});
