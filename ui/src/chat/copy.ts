/** Puts text on the clipboard. False if the system does not let us. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Puts a text on the clipboard twice: set, for programs that know type, and plain for all others. False if the system does not let us. */
export async function copyRich(html: string, text: string): Promise<boolean> {
  const blob = (type: string, value: string) => new Blob([value], { type });
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/html": blob("text/html", html), "text/plain": blob("text/plain", text) })]);
    return true;
  } catch {
    // An older system takes plain text only.
    return copyText(text);
  }
}
