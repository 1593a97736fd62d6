// Shapes of the attention explorer.
export const ATTENTION_LOOK = `
.headbox { max-height: 330px; overflow: auto; margin-bottom: 6px; padding: 2px; }
.heads { display: grid; gap: 4px; width: max-content; align-items: center; }
.layer { font-size: 12px; padding-right: 6px; white-space: nowrap; }
.thumb { position: relative; padding: 3px; line-height: 1; text-align: center; }
.thumb canvas { display: block; width: var(--thumb); height: var(--thumb); margin: 0 auto; image-rendering: pixelated; }
.role { display: block; font-size: 10px; padding-top: 2px; }
.thumb.off::after { content: "off"; position: absolute; inset: 0; display: grid; place-items: center; font-weight: 600;
  background: repeating-linear-gradient(45deg, color-mix(in srgb, var(--jp-layout-color0, Canvas) 85%, transparent) 0 5px, color-mix(in srgb, var(--jp-layout-color0, Canvas) 60%, transparent) 5px 10px); }
.thumb[data-pin]::before { content: attr(data-pin); position: absolute; top: -2px; left: -2px; width: 14px; font: bold 11px/14px sans-serif; color: white; background: var(--accent); }
.thumb[data-pin="2"]::before { background: #0072b2; } .thumb[data-pin="2"] { border-style: dashed; border-color: #0072b2; }
.chosen { margin: 6px 0 4px; font-weight: 600; }
.scale { display: inline-flex; gap: 5px; align-items: center; margin-left: 18px; font-weight: 400; font-size: 12px; }
.ramp { width: 90px; height: 10px; background: linear-gradient(90deg, #440154, #3e4a89, #26828e, #35b779, #b5de2b, #fde725); }
.ramp.changes { background: linear-gradient(90deg, #2166ac, #d1e5f0, #f7f7f7, #fddbc7, #b2182b); }
.chosen::first-letter { text-transform: uppercase; }
.both { display: flex; gap: 14px; align-items: flex-start; }
.both.narrow { flex-direction: column; }
.lines { flex: none; width: 42%; } .narrow .lines { width: 100%; }
.heading { display: grid; grid-template-columns: 1fr 1fr; column-gap: 36%; font-size: 12px; opacity: .8; padding: 0 4px 2px; }
.heading :first-child { text-align: right; }
.rows { display: flex; align-items: flex-start; max-height: 600px; overflow: auto; }
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
.live { display: flex; flex-wrap: wrap; gap: 6px; flex: 1 1 100%; }
.losses { margin-top: 10px; } .loss { margin: 0 0 4px; }
.steps canvas { display: block; }
.steps tr.chosen { outline: 2px solid var(--accent); outline-offset: -2px; }
.steps .bar { background-size: 100% 4px; background-repeat: no-repeat; background-position: left bottom; min-width: 90px; }
.steps th { padding-left: 4px; }
.text { line-height: 1.9; margin: 0 0 8px; } .text .marked { border: 2px solid var(--accent); border-radius: 3px; padding: 1px 3px; font-weight: 600; }
.asked { margin-bottom: 10px; }
`;
