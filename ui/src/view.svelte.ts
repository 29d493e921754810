import { tick } from "svelte";
import type { AttachmentCard } from "./backend";

/** What is open in the window at the moment; none of it is kept. */
export class View {
  #dialog = $state<"settings" | "ladders" | "palette" | "shortcuts" | "file">();
  /** When a dialog was closed last, in milliseconds. */
  closed = 0;
  /** Where the settings are opened. */
  section = $state<string>();
  /** The file whose text is shown. */
  file = $state<AttachmentCard>();
  /** Whether files hang on the mouse above the window. */
  dragging = $state(false);
  /** Too narrow for a list beside the conversation: it lies on top of it. */
  narrow = $state(false);
  drawer = $state(false);
  /** Whether the system shows Taki's icon beside its clock. */
  inTray = $state(false);
  /** The conversation whose title is being changed. */
  renaming = $state<number>();
  /** The message that is being edited. */
  editing = $state<number>();
  /** The one whose editor opens by itself, because one left it open. */
  resumed: number | undefined;

  get dialog() {
    return this.#dialog;
  }

  set dialog(dialog) {
    if (this.#dialog && !dialog) this.closed = Date.now();
    this.#dialog = dialog;
  }

  showFile(card: AttachmentCard) {
    this.file = card;
    this.dialog = "file";
  }

  openSettings(section?: string) {
    this.section = section;
    this.dialog = "settings";
  }
}

/** Puts the keyboard somewhere once it is there. */
export const focus = (selector: string) => tick().then(() => document.querySelector<HTMLElement>(selector)?.focus());

/** An answer is begun by a button that goes with its first word: the keyboard is where the next question is typed. */
export function begin(answering: Promise<unknown>) {
  void answering;
  void focus("#composer");
}
