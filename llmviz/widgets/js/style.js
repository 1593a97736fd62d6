// The look: colors of the page that shows it (JupyterLab's variables, else the browser's), shapes of our own.
export const SHELL_CSS = `
:host { display: block; max-width: 900px; color: var(--jp-ui-font-color1, inherit); background: transparent;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; font: 14px/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  --line: color-mix(in srgb, currentColor 28%, transparent); --faint: color-mix(in srgb, currentColor 8%, transparent);
  --hatch: repeating-linear-gradient(135deg, transparent 0 3px, color-mix(in srgb, currentColor 22%, transparent) 3px 4px);
  --accent: #d55e00; --second: #0072b2; }
* { box-sizing: border-box; }
[hidden], .locked { display: none !important; }
/* Bars, marks and legends are boxes without a text, drawn by their background: colors that mean something stay. */
:is(.picture, .below) :empty { forced-color-adjust: none; }
.probe { background: var(--paper, Canvas); }
.frame { padding: 2px 2px 6px; }
.controls { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; margin: 0 0 6px; }
.controls:empty { display: none; }
.picture { position: relative; width: 100%; }
.sentence { margin: 6px 0 4px; min-height: 2.9em; overflow-wrap: anywhere; }
.problem { margin: 4px 0 8px; padding: 6px 10px; border-left: 4px solid var(--accent); background: var(--faint); }
.foot { display: flex; flex-wrap: wrap; gap: 2px 18px; align-items: center; }
.foot > details { margin: 0; max-width: 100%; } .foot > details[open] { flex: 1 1 100%; }
.actions { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.note { font-size: 12px; opacity: .8; }
button[aria-expanded]::after { content: " ▾"; } button[aria-expanded=true]::after { content: " ▴"; }
.frame:fullscreen { padding: 10px 16px; overflow: auto; background: var(--paper, Canvas); }
button, select, textarea, input:is([type=text], [type=number]) { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: 4px; padding: 2px 9px; cursor: pointer; }
textarea, input:is([type=text], [type=number]) { cursor: text; padding: 3px 9px; }
textarea { flex: 1; min-width: 0; box-sizing: border-box; max-height: 8em; resize: vertical; field-sizing: content; }
label:has(> textarea) { flex: 1 1 30em; }
button:disabled { opacity: .62; border-style: dashed; cursor: default; }
select option { color: CanvasText; background: Canvas; }
button:hover { background: var(--faint); }
button[aria-pressed=true], button[aria-checked=true] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
:focus-visible { outline: 2px solid var(--second); outline-offset: 1px; }
@supports (color: light-dark(red, blue)) { :host { --second: light-dark(#0072b2, #56b4e9); } }
label { display: inline-flex; gap: 6px; align-items: center; }
input[type=range] { accent-color: var(--second); width: 120px; }
details { margin-top: 6px; }
summary { cursor: pointer; width: fit-content; }
pre { margin: 4px 0; padding: 6px 10px; background: var(--faint); overflow-x: auto; border-radius: 4px; }
code { font: 13px/1.4 var(--jp-code-font-family, ui-monospace, monospace); }
.scroll { max-height: 340px; overflow: auto; margin-top: 4px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: 4px; }
th, td { text-align: left; padding: 2px 12px 2px 0; border-bottom: 1px solid var(--faint); font-weight: normal; vertical-align: top; }
thead th { font-weight: 600; position: sticky; top: 0; background: var(--paper, Canvas); }
.options { display: flex; flex-wrap: wrap; gap: 4px; margin: 4px 0 8px; }
.question { font-weight: 600; margin: 0 0 4px; }
.option.right { border: 2px solid #009e73; } .option.wrong { border: 2px dashed var(--accent); }
.verdict { margin: 4px 0; min-height: 1.45em; }
.hatched { background-image: var(--hatch); }
@media print { .frame { break-inside: avoid; width: calc(1px * var(--width)); zoom: min(1, 660 / var(--width)); }
  .scrub { position: static !important; }
  :is(.bands, .forest, .texts, .rows, .headbox, .scroll, .side, .details) { height: auto !important; max-height: none !important; overflow: visible !important; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
`;
