// Loaded only once there is code in a language it knows.
import { common, createLowlight } from "lowlight";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import dos from "highlight.js/lib/languages/dos";
import excel from "highlight.js/lib/languages/excel";
import latex from "highlight.js/lib/languages/latex";
import nginx from "highlight.js/lib/languages/nginx";
import powershell from "highlight.js/lib/languages/powershell";

const lowlight = createLowlight({ ...common, dockerfile, dos, excel, latex, nginx, powershell });

/** A stretch of code and what it is; undefined if it is nothing in particular. */
export interface Run {
  text: string;
  kind?: string;
}

const KINDS: Record<string, string> = {
  keyword: "keyword", literal: "keyword", "selector-tag": "keyword", name: "keyword", "template-tag": "keyword", section: "title",
  string: "string", regexp: "string", char: "string", symbol: "string", "meta-string": "string", link: "string", code: "string",
  number: "number", bullet: "number",
  comment: "comment", quote: "comment", doctag: "comment",
  title: "title", "selector-id": "title", "selector-class": "title",
  type: "type", built_in: "type", class: "type",
  attr: "name", attribute: "name", variable: "name", property: "name", "template-variable": "name", params: "", "selector-attr": "name", "selector-pseudo": "name",
  meta: "meta", addition: "addition", deletion: "deletion",
};

type Tree = ReturnType<typeof lowlight.highlight>["children"][number];

/** More runs are more work than colours are worth. */
const MOST = 4000;

/** The code in runs, or undefined if the language is not known or there would be too many. */
export function highlight(code: string, language: string): Run[] | undefined {
  if (!lowlight.registered(language)) return undefined;
  const runs: Run[] = [];
  const add = (node: Tree, kind: string | undefined) => {
    if (node.type === "element") {
      const [name = ""] = Array.isArray(node.properties.className) ? node.properties.className.map(String) : [];
      const own = KINDS[name.replace("hljs-", "")] ?? kind;
      for (const child of node.children) add(child, own);
    } else if (node.type === "text") {
      const last = runs.at(-1);
      if (last && last.kind === kind) last.text += node.value;
      else runs.push(kind ? { text: node.value, kind } : { text: node.value });
    }
  };
  for (const node of lowlight.highlight(language, code).children) add(node, undefined);
  return runs.length > MOST ? undefined : runs;
}
