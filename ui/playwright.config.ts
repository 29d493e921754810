import { execSync } from "node:child_process";
import { defineConfig } from "@playwright/test";

const found = (names: string[]) => names.map((name) => execSync(`command -v ${name} || true`).toString().trim()).find(Boolean);

// Another one may be tested at the same time.
const port = process.env.PORT ?? "4173";

export default defineConfig({
  testDir: "tests",
  outputDir: "node_modules/.playwright",
  fullyParallel: true,
  workers: 2,
  reporter: "list",
  use: {
    baseURL: `http://localhost:${port}`,
    viewport: { width: 900, height: 720 },
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? found(["chromium", "chromium-browser", "google-chrome"]),
      args: ["--no-sandbox", "--disable-background-networking"],
    },
  },
  webServer: { command: "npx vite build && npx vite preview", env: { TAKI_UI: "mock", PORT: port }, url: `http://localhost:${port}`, timeout: 60_000 },
});
