// The look of the picture of the whole: rows are tokens, columns are what the model computes, from left to right.
export const WHOLE_LOOK = `
.whole { --high: 350px; --flow: #1d91c0; --plus: #c04c00; --minus: #005aa0;
  --mark: color-mix(in srgb, var(--second) 60%, transparent);
  display: flex; gap: 4px 8px; align-items: stretch; width: 100%; }
@supports (color: light-dark(red, blue)) { .whole, .opened { --flow: light-dark(#1d91c0, #4fb3dd); --plus: light-dark(#c04c00, #f59632); --minus: light-dark(#005aa0, #56b4e9); } }
.stage { display: flex; flex-direction: column; min-width: 0; }
.stage.block { flex: 1 1 0; border: 1px solid var(--line); border-radius: 8px; padding: 0 6px 3px; background: color-mix(in srgb, currentColor 3%, transparent); }
.stage.plain { padding: 1px 0 4px; }
.heading { height: 21px; margin: 0; font-weight: 600; font-size: 13px; white-space: nowrap; text-align: center; line-height: 21px; }
.line { display: flex; gap: 3px; flex: 1; align-items: stretch; }
.part { position: relative; display: flex; flex-direction: column; flex: 1 1 0; min-width: 0; padding: 0; border: 0; border-radius: 4px; background: none; text-align: inherit; }
.part:hover { background: none; }
.part:hover .body, .part:focus-visible .body { box-shadow: 0 0 0 2px var(--second); }
.part:focus-visible { outline-offset: 0; }
.part .name, .gap .name { height: 17px; font-size: 11.5px; line-height: 17px; text-align: center; white-space: nowrap; overflow: hidden; }
.part .told { height: 16px; font-size: 10.5px; line-height: 16px; text-align: center; white-space: nowrap; overflow: hidden; font-variant-numeric: tabular-nums; }
.body { position: relative; height: var(--high); border-radius: 3px; overflow: hidden; }
.band { position: absolute; left: 0; right: 0; pointer-events: none; box-shadow: inset 0 1.5px var(--mark), inset 0 -1.5px var(--mark); }
.body canvas { display: block; width: 100%; height: 100%; image-rendering: pixelated; }
.strips .body::before { content: ""; position: absolute; inset: 0; pointer-events: none;
  background: repeating-linear-gradient(to bottom, transparent 0 calc(var(--row) - var(--seam)), var(--paper, Canvas) calc(var(--row) - var(--seam)) var(--row)); }
.part.map .body { background-image: var(--hatch); border: 1px solid var(--line); }
.part.tokens { flex: 0 0 94px; } .part.embedding { flex: 0 0 48px; }
.block .part.mlp { flex: 1.4 1 0; } .block .part.stream { flex: 1.45 1 0; }
.controls textarea { max-height: 3.4em; }
.label { position: absolute; left: 0; right: 0; display: flex; align-items: center; justify-content: flex-end; gap: 5px; padding-right: 5px;
  font: 12.5px/1 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; cursor: pointer; }
.label bdi { overflow: hidden; text-overflow: ellipsis; line-height: 1.25; }
.label .kept { flex: 0 0 5px; align-self: stretch; margin: 1px 0; border-radius: 2px; }
.label.cached .kept { background-image: var(--hatch); border: 1px solid var(--line); } .label.computed .kept { background: var(--plus); }
.label.chosen { font-weight: 700; }
.gap { flex: 0 0 34px; display: flex; flex-direction: column; }
.ribbons { display: block; width: 100%; height: 100%; fill: none; stroke: var(--flow); }
.ribbons path { vector-effect: non-scaling-stroke; } .ribbons .rail { stroke: currentColor; opacity: .16; stroke-width: 1; }
.bars { flex: 0 0 186px; }
.bars .list { display: flex; flex-direction: column; gap: 2px; height: var(--high); }
.next { position: relative; flex: 1 1 0; min-height: 22px; max-height: 34px; display: grid; grid-template-columns: 1fr 3em; align-items: center; width: 100%; padding: 0 7px; text-align: left; overflow: hidden; }
.next .fill { position: absolute; inset: 0 auto 0 0; width: calc(100% * var(--share)); background: color-mix(in srgb, var(--flow) 38%, transparent); border-right: 2px solid var(--flow); }
.next span:not(.fill) { position: relative; }
.next .word { font: 13px/1 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; overflow: hidden; text-overflow: ellipsis; line-height: 1.4; }
.next .number { text-align: right; font-variant-numeric: tabular-nums; font-size: 12.5px; }
.bars .part { flex: 0 0 auto; } .bars .part .name { text-decoration: underline dotted; }
.opened { --mark: color-mix(in srgb, var(--second) 60%, transparent); min-height: 412px; padding: 4px; }
.bar-top { display: flex; gap: 10px; align-items: baseline; flex-wrap: wrap; margin-bottom: 6px; }
.bar-top strong { font-size: 15px; }
.opened .inside { display: flex; gap: 18px; align-items: flex-start; }
.opened .scroll { flex: 1 1 auto; max-height: 318px; margin: 0; }
.opened table { width: 100%; } .opened td, .opened th { padding: 1px 8px 1px 0; vertical-align: middle; white-space: nowrap; }
.opened td canvas { display: block; width: 130px; height: 12px; image-rendering: pixelated; border-radius: 2px; }
.opened tr.hidden-row td { background-image: var(--hatch); }
.opened tr.most th, .opened tr.most td { font-weight: 700; }
.share { display: inline-block; height: 11px; width: calc(110px * var(--share)); background: var(--flow); border-radius: 2px; vertical-align: -1px; min-width: 1px; }
.share.minus { background: var(--minus); } .share.plus { background: var(--plus); }
.side-map { flex: 0 0 236px; } .side-map .body { height: 236px; border: 1px solid var(--line); background-image: var(--hatch); }
.side-map p, .opened .small { font-size: 12px; margin: 3px 0; }
.mixed { display: grid; grid-template-columns: max-content 1fr max-content; gap: 4px 10px; align-items: center; font-size: 12.5px; margin: 6px 0 0; }
.mixed canvas { width: 100%; height: 14px; image-rendering: pixelated; border-radius: 2px; }
.chain { display: flex; align-items: center; gap: 8px; width: 100%; }
.field { flex: 1 1 0; min-width: 0; font-size: 12px; text-align: center; } .field.large { flex: 2 1 0; }
.field canvas { width: 100%; height: 150px; image-rendering: pixelated; border-radius: 4px; border: 1px solid var(--line); display: block; }
.then { flex: 0 0 auto; font-size: 12px; text-align: center; max-width: 7.5em; } .then b { display: block; font-size: 20px; line-height: 1; }
.tiles { display: flex; flex-wrap: wrap; gap: 4px; max-height: 290px; overflow: auto; }
.tile { border: 1px solid var(--line); border-radius: 4px; padding: 3px 8px; text-align: center; font: 14px/1.35 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; }
.tile small { display: block; font-size: 11px; } .tile.chosen { border-color: var(--second); box-shadow: inset 0 0 0 1px var(--second); }
@media (max-width: 640px) { .label { font-size: 11px; } }
.whole.narrow { flex-wrap: wrap; --high: 236px; }
.whole.narrow .stage.block { flex: 1 1 100%; } .whole.narrow .stage.plain { flex: 1 1 auto; } .whole.narrow .part.embedding { flex: 1 1 0; }
.whole.narrow .bars { flex: 1 1 100%; } .whole.narrow .bars .list { height: auto; } .whole.narrow .bars .gap { display: none; }
.opened.narrow .inside { flex-direction: column; align-items: stretch; } .opened.narrow .chain { flex-direction: column; } .opened.narrow .field { width: 100%; flex: none; }
.opened.narrow .field canvas { height: 70px; } .opened.narrow .scroll { width: 100%; } .opened.narrow td canvas { width: 64px; }
.opened.narrow .side-map { flex: none; } .opened.narrow .then b { display: inline; }
`;
