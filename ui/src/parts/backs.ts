import { composes } from "../chat/composes";

/** Escape goes one step back, not out of the whole dialog. */
export function backs(event: KeyboardEvent, back: () => void) {
  if (event.key !== "Escape" || composes(event)) return;
  event.preventDefault();
  event.stopPropagation();
  back();
}
