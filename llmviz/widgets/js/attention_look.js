// Shapes of the attention explorer.
export const ATTENTION_LOOK = `
.headbox { max-height: 362px; overflow: auto; padding: 2px; width: max-content; max-width: 100%; }
.heads { display: grid; gap: 4px; width: max-content; align-items: center; }
.layer { font-size: 12px; padding-right: 6px; white-space: nowrap; }
.thumb { position: relative; padding: 3px; line-height: 1; text-align: center; }
.thumb canvas { display: block; width: var(--thumb); height: var(--thumb); margin: 0 auto; image-rendering: pixelated; }
.role { display: block; font-size: 10px; padding-top: 2px; }
.thumb.off::after { content: "off"; position: absolute; inset: 0; display: grid; place-items: center; font-weight: 600;
  background: repeating-linear-gradient(45deg, color-mix(in srgb, var(--paper, Canvas) 85%, transparent) 0 5px, color-mix(in srgb, var(--paper, Canvas) 60%, transparent) 5px 10px); }
.thumb[data-pin]::before { content: attr(data-pin); position: absolute; top: -2px; left: -2px; width: 14px; font: bold 11px/14px sans-serif; color: white; background: var(--accent); }
.thumb[data-pin="2"]::before { background: #0072b2; } .thumb[data-pin="2"] { border-style: dashed; border-color: #0072b2; }
.chosen { margin: 0 0 2px; font-weight: 600; }
.scale { display: inline-flex; gap: 5px; align-items: center; margin-left: 18px; font-weight: 400; font-size: 12px; }
.ramp { width: 90px; height: 10px; background: linear-gradient(90deg, #ffffd9, #c6e9b4, #40b5c4, #225da8, #081d58); }
@supports (color: light-dark(red, blue)) { .ramp:not(.changes) { background: linear-gradient(90deg, light-dark(#ffffd9, #171700), light-dark(#c6e9b4, #1b380b),
  light-dark(#40b5c4, #167a87), light-dark(#225da8, #77aaea), light-dark(#081d58, #c3d5ff)); } }
.ramp.changes { background: linear-gradient(90deg, #2166ac, #d1e5f0, #f7f7f7, #fddbc7, #b2182b); }
.chosen::first-letter { text-transform: uppercase; }
.both, .pair { display: flex; gap: 14px; align-items: flex-start; }
.narrow, .narrow .pair { flex-direction: column; }
.left-half { flex: none; max-width: 100%; } .right-half { flex: 1; min-width: 0; max-width: 100%; }
.lines { flex: 1; min-width: 0; } .narrow .lines { width: 100%; }
.heading { display: flex; justify-content: space-between; font-size: 12px; opacity: .8; padding: 0 4px 2px; white-space: nowrap; }
.rows { display: flex; align-items: flex-start; max-height: 366px; overflow: auto; }
.rows canvas { flex: none; }
.side { flex: 1 1 0; min-width: 0; }
.token { height: var(--row); line-height: var(--row); font-size: min(13px, calc(var(--row) - 3px)); padding: 0 4px; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; cursor: pointer; border-radius: 3px; }
.left .token { text-align: right; }
.token:hover, .token.pointed { background: var(--faint); box-shadow: inset 0 0 0 1.5px var(--accent); }
.token.pin1 { box-shadow: inset 0 0 0 2px var(--accent); font-weight: 600; }
.token.pin2 { box-shadow: none; outline: 2px dashed var(--second); outline-offset: -2px; font-weight: 600; }
.map { position: relative; flex: none; cursor: crosshair; width: fit-content; }
.map canvas { display: block; } .marks { position: absolute; inset: 0; pointer-events: none; }
.losses { margin-top: 6px; } .loss { margin: 0 0 2px; }
.steps canvas { display: block; }
.steps tr.chosen { outline: 2px solid var(--accent); outline-offset: -2px; }
.steps .bar { background-size: 100% 4px; background-repeat: no-repeat; background-position: left bottom; min-width: 90px; }
.steps th { padding-left: 4px; }
.text { line-height: 1.9; margin: 0 0 8px; } .text .marked { border: 2px solid var(--accent); border-radius: 3px; padding: 1px 3px; font-weight: 600; }
.asked { margin-bottom: 10px; }
`;
