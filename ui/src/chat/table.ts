/** A table on the clipboard, as spreadsheets put it there: a file of tab-separated values. Undefined if it is none, or of one cell, row or column. */
export function pastedTable(data: DataTransfer, name: string): File | undefined {
  if (!/<table[\s>]/i.test(data.getData("text/html"))) return;
  const text = data.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const rows = text.split("\n");
  if (rows.length < 2 || !rows.every((row) => row.includes("\t"))) return;
  return new File([text], `${name}.tsv`, { type: "text/tab-separated-values" });
}
