"""How a report looks: on a screen, light or dark, wide or narrow, and on paper."""

# Wide tables and pictures scroll by themselves, so that the page never has to. Pictures are at most as wide as the
# page, and on a narrow one no smaller than what can be read. A table's caption is what its heading or summary says.
STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1b1b1b; --paper: #ffffff; --soft: #545454; --line: #c6c6c6; --pale: #f2f2f0; --link: #00548f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #ececec; --paper: #151515; --soft: #b9b9b9; --line: #4c4c4c; --pale: #232323; --link: #8cc7ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 90rem; overflow-wrap: anywhere;
  color: var(--ink); background: var(--paper); font: 1rem/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 2.5rem 0 0.5rem; }
p, figcaption { max-width: 70ch; }
p { margin: 0.5rem 0; }
.lead { font-size: 1.1rem; }
figcaption, .more, footer { color: var(--soft); }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.5rem; padding: 0.5rem; background: var(--paper); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 1rem 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: 0.25rem 0; }
figure { margin: 1rem 0; }
.scroll { overflow-x: auto; }
img { display: block; height: auto; max-width: max(100%, 60rem); background: #ffffff; }
figcaption { margin-top: 0.5rem; }
table { border-collapse: collapse; margin: 0.5rem 0; font-variant-numeric: tabular-nums; }
caption { position: absolute; clip-path: inset(50%); }
th, td { padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th, .figures td { overflow-wrap: normal; }
thead th { border-bottom-width: 2px; }
summary { padding: 0.25rem 0; cursor: pointer; color: var(--link); }
code { background: var(--pale); padding: 0.1em 0.3em; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); font-size: 0.9rem; }
@media print {
  :root {
    color-scheme: light;
    --ink: #000000; --paper: #ffffff; --soft: #333333; --line: #999999; --pale: #ffffff; --link: #000000;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, details:not([open]) { display: none; }
  h1, h2, summary, section > p:not(.more) { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  img { width: auto; max-width: 100%; max-height: 22cm; }
}
"""
