/** Lets a field be as high as its text, up to its own `max-height`. `text` is read so that it hears of changes from outside. */
export const grows = (text: () => string) => (field: HTMLTextAreaElement) => {
  void text();
  // Not before it can become smaller again is it known how high the text is.
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
};
