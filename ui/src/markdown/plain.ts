import type { Inline } from "./nodes";

/** The words of a text without its marks. */
export const plainText = (nodes: readonly Inline[]): string =>
  nodes
    .map((node) => {
      switch (node.kind) {
        case "text":
        case "code":
          return node.text;
        case "break":
          return " ";
        case "maths":
          return node.source;
        case "image":
          return node.alt;
        default:
          return plainText(node.children);
      }
    })
    .join("");
