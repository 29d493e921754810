import type { Place } from "../backend";

/** Closer to the end than this, in pixels, the reader is at the end. */
const END = 40;

/** A window that shrinks is heard of after the scrolling it comes with: `height` is what the view had before. */
export const atEnd = (view: HTMLElement, height: number) => view.scrollHeight - view.scrollTop - Math.max(view.clientHeight, height) < END;

const messages = (view: HTMLElement) => [...view.querySelectorAll<HTMLElement>("[data-message]")];

/** The message at the upper edge, and how far it has gone beyond it. */
export function placeOf(view: HTMLElement): Place | null {
  const edge = view.getBoundingClientRect().top;
  const all = messages(view);
  // They stand one below the other.
  let [low, high] = [0, all.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle]?.getBoundingClientRect().bottom ?? 0) > edge) high = middle;
    else low = middle + 1;
  }
  const first = all[low];
  return first ? { message: Number(first.dataset.message), offset: Math.round(edge - first.getBoundingClientRect().top) } : null;
}

/** Goes back to a place. False if its message is not there. */
export function goTo(view: HTMLElement, place: Place): boolean {
  const message = messageOf(view, place.message);
  if (!message) return false;
  view.scrollTop += message.getBoundingClientRect().top - view.getBoundingClientRect().top + (place.offset ?? 0);
  return true;
}

export const messageOf = (view: HTMLElement, id: number) => view.querySelector<HTMLElement>(`[data-message="${id}"]`);
