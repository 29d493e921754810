// Models that no list has, by the address of their file.
import { expect } from "@playwright/test";
import { mine } from "./mock/shelf";
import { accessible, by, calls, open, test } from "./window";

const PAGE = "https://huggingface.co/maker/found/blob/main/found-Q4_K_M.gguf";
const found = { ...mine, id: "found", name: "Found 3B", missingBytes: 940e6, fetchable: true };

test("what an address leads to can be downloaded from where that is said", async ({ page }) => {
  await open(page, { give: { found } });
  await page.keyboard.press("Control+m");
  await by(page, "ladder-address").click();
  await expect(by(page, "address")).toBeFocused();
  await expect(by(page, "address-find")).toBeDisabled();
  await accessible(page);
  await by(page, "address").fill(` ${PAGE}\n`);
  await page.keyboard.press("Enter");
  expect((await calls(page, "add_address"))[0]?.args).toEqual({ address: PAGE });
  await expect(by(page, "ladders-said")).toHaveText("“Found 3B” is in the list.");
  await expect(by(page, "from-address")).toHaveCount(0);
  await expect(by(page, "ladder-address")).toBeFocused();
  await by(page, "added-download").click();
  expect((await calls(page, "download_ladder"))[0]?.args).toMatchObject({ ladder: "found" });
  await expect(by(page, "added-download")).toHaveCount(0);
});

test("an address that leads nowhere stays where it was typed", async ({ page }) => {
  await open(page);
  await page.evaluate(() => (window.app.refuse.add_address = { code: "address_unusable", details: { address: "x", reason: "no" } }));
  await page.keyboard.press("Control+m");
  await by(page, "ladder-address").click();
  await by(page, "address").fill("x");
  await by(page, "address-find").click();
  await expect(page.getByRole("dialog").getByTestId("problem")).toHaveCount(1);
  await expect(by(page, "address")).toHaveValue("x");
  await expect(by(page, "address")).toBeFocused();
  await by(page, "from-address").getByRole("button", { name: "Cancel" }).click();
  await expect(by(page, "ladder-address")).toBeFocused();
});
