const NAMES: Record<string, string> = {
  bash: "Bash", sh: "Shell", shell: "Shell", zsh: "Shell", console: "Shell", bat: "Batch", cmd: "Batch", dos: "Batch",
  c: "C", cpp: "C++", "c++": "C++", cs: "C#", csharp: "C#", "c#": "C#", css: "CSS", csv: "CSV", diff: "Diff", dockerfile: "Dockerfile", docker: "Dockerfile",
  excel: "Excel", xlsx: "Excel", go: "Go", golang: "Go", graphql: "GraphQL", html: "HTML", ini: "INI", toml: "TOML", java: "Java", js: "JavaScript", javascript: "JavaScript",
  jsx: "JSX", json: "JSON", kotlin: "Kotlin", kt: "Kotlin", latex: "LaTeX", tex: "LaTeX", less: "Less", lua: "Lua", makefile: "Makefile", make: "Makefile",
  markdown: "Markdown", md: "Markdown", nginx: "nginx", objectivec: "Objective-C", perl: "Perl", php: "PHP", powershell: "PowerShell", ps1: "PowerShell",
  py: "Python", python: "Python", r: "R", rb: "Ruby", ruby: "Ruby", rs: "Rust", rust: "Rust", scss: "SCSS", sql: "SQL", svg: "SVG", swift: "Swift",
  ts: "TypeScript", typescript: "TypeScript", tsx: "TSX", vb: "Visual Basic", vbnet: "Visual Basic", wasm: "WebAssembly", xml: "XML", yaml: "YAML", yml: "YAML",
  text: "", txt: "", plain: "", plaintext: "",
};

/** What people call a language; empty if there is nothing to say. */
export const nameOf = (language: string): string => (Object.hasOwn(NAMES, language) ? NAMES[language] : undefined) ?? language;
