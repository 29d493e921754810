// A state of a screen: how the window is opened, and what is done then.
import type { Page } from "@playwright/test";
import type { Start } from "../window";

export interface State {
  start?: Start;
  go?: (page: Page) => Promise<unknown>;
}
