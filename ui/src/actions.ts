import { copyRich } from "./chat/copy";
import { richText } from "./markdown/rich";
import type { Session } from "./session/session.svelte";
import { focus, type View } from "./view.svelte";
import type { Words } from "./words";

/** Something the user can do from anywhere: what the keyboard, the palette and the sheet of shortcuts know. */
export interface Action {
  id: string;
  /** Its name in `Words`. */
  name: "newConversation" | "searchConversations" | "toggleSidebar" | "previousConversation" | "nextConversation" | "rename" | "pin" | "unpin"
    | "deleteConversation" | "toComposer" | "attach" | "copyAnswer" | "answerAgain" | "continueAnswer" | "stop" | "jumpToLatest" | "settings"
    | "editPresets" | "ladders" | "palette" | "shortcuts" | "quit" | "zoomIn" | "zoomOut" | "zoomBack" | "exportMarkdown" | "exportJson" | "exportThis" | "importConversations"
    | "switchSpeedUp" | "switchLanguage" | "switchTheme";
  group: "groupConversations" | "groupMessages" | "groupWindow" | "groupSettings";
  /** Keys as they are written: the first is shown, all work. */
  keys?: string[];
  /** Whether it can be done now; always, if it is not said. */
  when?: () => boolean;
  run: () => unknown;
}

export function actionsOf(session: Session, view: View, words: () => Words): Action[] {
  const { chosen, composer, conversations, engine, thread } = session;
  const current = () => conversations.card(thread.id);
  const last = () => thread.messages.findLast((message) => message.speaker === "assistant" && message.text);
  const sidebar = () => {
    if (view.narrow) view.drawer = true;
    else if (!chosen.now.sidebar) return chosen.toggleSidebar();
  };
  return [
    { id: "new", name: "newConversation", group: "groupConversations", keys: ["Ctrl+N"], run: () => session.newConversation().then(() => focus("#composer")) },
    { id: "search", name: "searchConversations", group: "groupConversations", keys: ["Ctrl+K", "Ctrl+F"], run: async () => (await sidebar(), await focus("#search")) },
    {
      id: "sidebar",
      name: "toggleSidebar",
      group: "groupConversations",
      keys: ["Ctrl+B"],
      run: () => (view.narrow ? (view.drawer = !view.drawer) : chosen.toggleSidebar()),
    },
    { id: "previous", name: "previousConversation", group: "groupConversations", keys: ["Ctrl+PageUp"], run: () => session.step(-1) },
    { id: "next", name: "nextConversation", group: "groupConversations", keys: ["Ctrl+PageDown"], run: () => session.step(1) },
    { id: "rename", name: "rename", group: "groupConversations", keys: ["F2"], when: () => !!current(), run: async () => (await sidebar(), (view.renaming = thread.id)) },
    { id: "pin", name: "pin", group: "groupConversations", when: () => current()?.pinned === false, run: () => conversations.pin(thread.id, true) },
    { id: "unpin", name: "unpin", group: "groupConversations", when: () => current()?.pinned === true, run: () => conversations.pin(thread.id, false) },
    {
      id: "delete",
      name: "deleteConversation",
      group: "groupConversations",
      when: () => !!current(),
      run: () => {
        const card = current();
        return card && session.deleteConversation(card);
      },
    },
    { id: "export-this", name: "exportThis", group: "groupConversations", when: () => thread.messages.length > 0, run: () => conversations.export([thread.id], "markdown") },
    { id: "export-markdown", name: "exportMarkdown", group: "groupConversations", run: () => conversations.export([], "markdown") },
    { id: "export-json", name: "exportJson", group: "groupConversations", run: () => conversations.export([], "json") },
    { id: "import", name: "importConversations", group: "groupConversations", run: () => conversations.import() },

    { id: "composer", name: "toComposer", group: "groupMessages", keys: ["Ctrl+L"], run: () => focus("#composer") },
    { id: "attach", name: "attach", group: "groupMessages", keys: ["Ctrl+U"], run: () => document.querySelector<HTMLElement>("#attach")?.click() },
    {
      id: "copy",
      name: "copyAnswer",
      group: "groupMessages",
      keys: ["Ctrl+Shift+C"],
      when: () => !!last(),
      run: async () => {
        const text = last()?.text ?? "";
        if (await copyRich(richText(text), text)) session.told.announcement = "copied";
      },
    },
    { id: "again", name: "answerAgain", group: "groupMessages", when: () => session.free && !!thread.question, run: () => session.answerAgain() },
    {
      id: "continue",
      name: "continueAnswer",
      group: "groupMessages",
      when: () => session.free && !!thread.leaf && session.continuable(thread.leaf),
      run: () => thread.leaf && session.continueAnswer(thread.leaf),
    },
    { id: "stop", name: "stop", group: "groupMessages", keys: ["Esc"], when: () => session.pressing, run: () => session.escape() },
    { id: "latest", name: "jumpToLatest", group: "groupMessages", keys: ["Ctrl+End"], when: () => thread.messages.length > 0, run: () => (thread.goal = "end") },

    { id: "settings", name: "settings", group: "groupSettings", keys: ["Ctrl+,"], run: () => view.openSettings() },
    { id: "ladders", name: "ladders", group: "groupSettings", keys: ["Ctrl+M"], run: () => (view.dialog = "ladders") },
    { id: "presets", name: "editPresets", group: "groupSettings", run: () => view.openSettings("presets") },
    { id: "speed-up", name: "switchSpeedUp", group: "groupSettings", run: () => chosen.change({ speedUp: !chosen.now.speedUp }) },
    { id: "language", name: "switchLanguage", group: "groupSettings", run: () => chosen.change({ language: words().other }) },
    {
      id: "theme",
      name: "switchTheme",
      group: "groupSettings",
      run: () => chosen.change({ theme: getComputedStyle(document.body).colorScheme === "dark" || chosen.now.theme === "dark" ? "light" : "dark" }),
    },

    { id: "palette", name: "palette", group: "groupWindow", keys: ["Ctrl+Shift+P", "Ctrl+P"], run: () => (view.dialog = "palette") },
    { id: "shortcuts", name: "shortcuts", group: "groupWindow", keys: ["F1", "Ctrl+/"], run: () => (view.dialog = "shortcuts") },
    { id: "zoom-in", name: "zoomIn", group: "groupWindow", keys: ["Ctrl++", "Ctrl+=", "Ctrl+;"], run: chosen.zoomIn },
    { id: "zoom-out", name: "zoomOut", group: "groupWindow", keys: ["Ctrl+-"], run: chosen.zoomOut },
    { id: "quit", name: "quit", group: "groupWindow", keys: ["Ctrl+Q"], run: () => session.quit() },
    { id: "zoom-back", name: "zoomBack", group: "groupWindow", keys: ["Ctrl+0"], run: chosen.zoomBack },
  ];
}

/** Whether a key event is what `keys` says. With Shift only where it is said, unless Shift is what makes the character. */
export function matches(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.split(/\+(?=.)/);
  const key = parts.pop() ?? "";
  const has = (name: string) => parts.includes(name);
  if (has("Ctrl") !== (event.ctrlKey || event.metaKey) || has("Alt") !== event.altKey) return false;
  const letter = /^\w/.test(key);
  if (letter && has("Shift") !== event.shiftKey) return false;
  return event.key.toLowerCase() === (key === "Esc" ? "escape" : key.toLowerCase());
}
