// Loaded only once there is a formula.
import katex from "katex";
import "katex/dist/katex.min.css";

/** Longer or deeper formulas are not set: they would take long and nobody could read them. */
const LONGEST = 2000;
const DEEPEST = 40;

function depth(tex: string): number {
  let [now, most] = [0, 0];
  for (const mark of tex.match(/\\?[{}]|\\left\b|\\right\b|\\begin\b|\\end\b|\\(?:sqrt|frac|over|hat|bar|vec|tilde)\b|[\^_]/g) ?? []) {
    if (mark === "}" || mark === "\\right" || mark === "\\end") now -= 1;
    else if (mark === "{" || mark === "\\left" || mark === "\\begin") most = Math.max(most, (now += 1));
  }
  return most;
}

/** Marks what could not be understood, so that it is found again. */
const ERROR = { hex: "#010203", computed: "rgb(1, 2, 3)" };

/** The formula as elements, or undefined if it cannot be set. */
export function typeset(tex: string, display: boolean): HTMLElement | undefined {
  if (tex.length > LONGEST || depth(tex) > DEEPEST) return undefined;
  const box = document.createElement("span");
  try {
    // What may ask for something from elsewhere or make elements of its own (\href, \includegraphics, \htmlClass …) is not trusted.
    katex.render(tex, box, { displayMode: display, throwOnError: true, trust: false, strict: "ignore", errorColor: ERROR.hex, maxExpand: 200, maxSize: 20, output: "htmlAndMathml" });
  } catch {
    return undefined;
  }
  // A command that is not trusted would stand in the middle of the formula by its name; the source says more.
  const refused = [...box.querySelectorAll<HTMLElement>("[style]")].some((part) => part.style.color === ERROR.computed);
  return refused ? undefined : box;
}
