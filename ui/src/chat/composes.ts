/** Whether a key belongs to an input method. WebKit ends composing before its last key, but says 229. */
export const composes = (event: KeyboardEvent) => event.isComposing || event.keyCode === 229;
