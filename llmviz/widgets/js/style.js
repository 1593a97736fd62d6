// The look: colors of the page that shows it (JupyterLab's variables, else the browser's), shapes of our own.
export const SHELL_CSS = `
:host { display: block; max-width: 900px; color: var(--jp-ui-font-color1, CanvasText); background: transparent;
  font: 14px/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  --line: color-mix(in srgb, currentColor 28%, transparent); --faint: color-mix(in srgb, currentColor 8%, transparent);
  --hatch: repeating-linear-gradient(135deg, transparent 0 3px, color-mix(in srgb, currentColor 22%, transparent) 3px 4px);
  --accent: #d55e00; --second: #0072b2; }
* { box-sizing: border-box; }
[hidden], .locked { display: none !important; }
.frame { padding: 4px 2px 8px; }
.controls { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; margin: 2px 0 8px; }
.controls:empty { display: none; }
.picture { position: relative; width: 100%; }
.sentence { margin: 8px 0 6px; min-height: 2.9em; overflow-wrap: anywhere; }
.problem { margin: 4px 0 8px; padding: 6px 10px; border-left: 4px solid var(--accent); background: var(--faint); }
.actions { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.note { font-size: 12px; opacity: .8; }
button, select, input[type=text] { font: inherit; color: inherit; background: transparent; border: 1px solid var(--line);
  border-radius: 4px; padding: 2px 9px; cursor: pointer; }
input[type=text] { cursor: text; width: min(100%, 34em); padding: 4px 9px; }
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
thead th { font-weight: 600; position: sticky; top: 0; background: var(--jp-layout-color0, Canvas); }
.options { display: flex; flex-wrap: wrap; gap: 4px; margin: 4px 0 8px; }
.question { font-weight: 600; margin: 0 0 4px; }
.option.right { border: 2px solid #009e73; } .option.wrong { border: 2px dashed var(--accent); }
.verdict { margin: 4px 0; min-height: 1.45em; }
.hatched { background-image: var(--hatch); }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
`;
