// One recorded run on the page: loss curve, samples and meters, bars, attention, map of the embeddings.
import { h, placeIn } from "./base.js";
import { paintMap, paintPixels, sharpen } from "./attention_paint.js";
import { labelPlaces } from "./embeddings_data.js";
import { colorOf, drawShape } from "./embeddings_draw.js";
import { legendEntry } from "./embeddings_side.js";
import { attentionAt, percent, thousands } from "./training_data.js";
import { HELD_OUT_COLOR, TRAINING_COLOR, labelRoom, lossLayout, paintLosses } from "./training_loss.js";

export const RUN_CSS = `
.runs { display: grid; grid-template-columns: repeat(var(--runs), minmax(0, 1fr)); gap: 6px 22px; }
.run { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2px 18px; align-content: start; container-type: inline-size; }
.run > .cells { display: grid; grid-template-columns: minmax(0, 1fr); gap: 4px 18px; align-items: start; }
.two .run { grid-row: 1; }
@media (max-width: 600px) { .runs { grid-template-columns: minmax(0, 1fr); } .two .run { grid-row: auto; } }
@container (min-width: 640px) { .run > .cells { grid-template-columns: repeat(20, minmax(0, 1fr)); }
  .cells > .loss { grid-column: span 11; } .cells > .writes { grid-column: span 9; }
  .cells > .bars { grid-column: span 6; } .cells > .looks { grid-column: span 7; } .cells > .map { grid-column: span 7; } }
.run .head { margin: 0 0 3px; font-weight: 600; overflow-wrap: anywhere; }
.stack { position: relative; } .stack canvas { display: block; } .stack canvas + canvas { position: absolute; inset: 0; }
.loss .marks { cursor: ew-resize; touch-action: none; }
.key { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0; font-size: 13px; }
.key i { display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 6px; background: ${TRAINING_COLOR}; }
.key .held i { border-radius: 0; background: ${HELD_OUT_COLOR}; }
.sample { border-left: 3px solid var(--line); padding: 1px 0 1px 9px; margin: 0 0 6px; overflow-wrap: anywhere; }
.texts { height: calc(4lh + 2px); overflow: auto; margin-bottom: 4px; font-size: 13px; }
.pair { display: flex; gap: 6px; align-items: flex-start; }
.sample.pin1 { border-color: var(--accent); border-left-style: dashed; }
.sample .copied { background: color-mix(in srgb, #e69f00 26%, transparent); text-decoration: underline 1.5px; text-underline-offset: 3px; }
.sample .wrong { outline: 1.5px dashed var(--accent); outline-offset: 1px; }
.sample .wrong::after { content: " ✗"; }
.meter { display: grid; grid-template-columns: 10.5em minmax(0, 1fr) 3.2em; gap: 8px; align-items: center; font-size: 13px; }
.meter .rail { position: relative; height: 11px; border: 1px solid var(--line); border-radius: 3px; }
.meter .full { height: 100%; background: color-mix(in srgb, #e69f00 80%, transparent); }
.meter .valid { background: color-mix(in srgb, #009e73 75%, transparent); }
.meter .tick { position: absolute; top: -4px; bottom: -4px; border-left: 2px dashed currentColor; }
.meter .number, .bar .number { text-align: right; font-variant-numeric: tabular-nums; }
.legend, .hint { font-size: 12px; margin: 0; font-weight: 400; } .legend { display: flex; flex-wrap: wrap; gap: 2px 12px; }
.legend span { display: inline-flex; gap: 4px; align-items: center; } .legend svg { width: 12px; height: 12px; overflow: visible; }
.bar { display: grid; grid-template-columns: minmax(0, 7.5em) minmax(0, 1fr) 2.8em; gap: 8px; align-items: center; font-size: 12px; line-height: 1.4; }
.bar .name { font: 12px/1.4 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.bar .track { position: relative; height: 14px; }
.bar .full { height: 100%; background: ${TRAINING_COLOR}; border-radius: 2px; min-width: 1px; }
.bar .ghost { position: absolute; inset: 0 auto 0 0; border: 1.5px dashed var(--accent); border-radius: 2px; }
.bar .diamond { position: absolute; top: 2px; width: 9px; height: 9px; margin-left: -5px; transform: rotate(45deg);
  border: 2px solid #d55e00; background: var(--paper, Canvas); }
.thumbs { cursor: pointer; display: block; flex: none; }
.run select { max-width: 100%; }
`;
const [LOSS_HEIGHT, MAP_HEIGHT, HEAD_SIDE, THUMB, GAP] = [140, 142, 182, 30, 4];
const NO_TEXT = "This run kept no samples.";

export function makeRunPart(run, { ui, steps, isAlone, isFirst, on, quiet }) {
  const nHeads = run.attention.length ? run.attention[0].layers * run.attention[0].heads : 0;
  const canvas = (label, more = {}) => h("canvas", { role: "img", "aria-label": label, ...more });
  const base = canvas(`loss curve of ${run.name}`);
  const marks = canvas(`${run.name}: choose a saved step`, { class: "marks", ...quiet, tabindex: isFirst ? "0" : "-1" });
  const writes = h("div", { class: "texts", tabindex: "0", role: "group", "aria-label": "what it writes", ...quiet });
  const meters = h("div", {});
  const bars = h("div", {});
  const thumbs = canvas("all heads, small", { class: "thumbs" });
  const looks = canvas("where the chosen head looks");
  const points = canvas("map of the embeddings");
  const shownShare = h("span", { class: "hint" });
  const legend = h("div", { class: "legend" }, ...run.groups.map(legendEntry));
  const cell = (name, title, ...inside) => h("div", { class: name }, h("p", { class: "head" }, title), ...inside);
  const cells = h("div", { class: "cells" },
    cell("loss", h("bdi", {}, isAlone ? "Loss, nats per token" : `${run.name}: loss, nats per token`), h("div", { class: "stack" }, base, marks),
      h("p", { class: "key" }, h("span", {}, h("i", {}), "on its own texts"), h("span", { class: "held" }, h("i", {}), "on unseen texts"))),
    cell("writes", "It writes", writes, meters),
    run.nextTokens.length ? cell("bars", "Next token", bars) : null,
    nHeads ? cell("looks", "Where a head looks", h("div", { class: "pair" }, thumbs, looks)) : null,
    run.pointsAt ? cell("map", h("span", {}, "Map of the embeddings", shownShare), points, legend) : null);
  const box = h("div", { class: "run" }, cells);

  let layout = null;
  let font = "12px sans-serif";
  let rows = [];
  let shownBars = -1;
  let look = null;
  const pixels = document.createElement("canvas");

  function paintCurves() {
    look = { ink: ui.ink(), accent: ui.color("--accent"), second: ui.color("--second"), background: ui.background() };
    const width = base.parentElement.clientWidth;
    if (!width) return;
    font = `12px ${getComputedStyle(ui.box).fontFamily}`;
    const pen = base.getContext("2d");
    pen.font = font;
    const values = [...run.training, ...run.held_out, ...run.baselines.map(([, value]) => value)];
    const ceiling = run.baselines.length ? 1.35 * Math.max(...run.baselines.map(([, value]) => value)) : Infinity;
    layout = lossLayout({ width, height: LOSS_HEIGHT, nSteps: steps.at(-1), isLog: true, labelWidth: labelRoom(pen, run.baselines),
      lowest: Math.min(...values), highest: Math.min(ceiling, Math.max(...values)) });
    const curve = (losses, color, more) => ({ points: steps.map((step, frame) => [step, losses[frame]]), color, ...more });
    paintLosses(base, layout, { lines: run.baselines, ink: look.ink, font,
      curves: [curve(run.training, TRAINING_COLOR, { dots: "circle" }), curve(run.held_out, HELD_OUT_COLOR, { dots: "square", dashed: true })] });
  }

  function paintMarks({ frame, pins }) {
    if (!layout) return;
    const pen = sharpen(marks, layout.width, layout.height);
    const cursor = (at, color, dashed) => {
      const x = layout.x(steps[at]);
      pen.strokeStyle = color;
      pen.lineWidth = 2;
      pen.setLineDash(dashed ? [5, 4] : []);
      pen.beginPath();
      pen.moveTo(x, layout.top);
      pen.lineTo(x, layout.top + layout.high);
      pen.stroke();
      pen.setLineDash([]);
      for (const losses of [run.training, run.held_out]) {
        pen.beginPath();
        pen.arc(x, layout.y(losses[at]), 6, 0, 2 * Math.PI);
        pen.stroke();
      }
    };
    pins.forEach((pin, index) => cursor(pin, index ? look.second : look.accent, true));
    cursor(frame, look.ink, false);
  }

  const pieceOf = ([text, isCopied, isWrong]) =>
    h("span", { class: [isCopied && "copied", isWrong && "wrong"].filter(Boolean).join(" ") || null }, text);
  const sampleOf = (pieces, title, name) => h("div", { class: name }, h("b", {}, title), h("bdi", {}, ...pieces.map(pieceOf)));
  function fillWrites({ frame, pins }) {
    const written = run.samples[frame]?.slice(0, isAlone ? 2 : 1) ?? [];
    const before = pins.length && pins[0] !== frame ? run.samples[pins[0]]?.[0] : null;
    writes.replaceChildren(...(written.length ? [] : [h("p", { class: "hint" }, NO_TEXT)]),
      ...written.slice(0, before ? 1 : 2).map((pieces) => sampleOf(pieces, "", "sample")),
      ...(before ? [sampleOf(before, `Pinned, step ${thousands(steps[pins[0]])}: `, "sample pin1")] : []));
    meters.replaceChildren(...[meterOf("memorized passage", run.copied, frame, "full", run.copied_by_chance),
      meterOf("possible texts", run.valid, frame, "full valid", null)].filter(Boolean));
    if (run.copied && run.copied_by_chance !== null) {
      meters.append(h("p", { class: "hint" }, `Underlined: the longest passage that its corpus holds word for word. Dashed line: the same for new texts of Tinyville (${percent(run.copied_by_chance)}).`));
    }
  }
  function meterOf(label, values, frame, name, tick) {
    if (!values) return null;
    return h("div", { class: "meter" }, h("span", {}, label), h("div", { class: "rail" }, h("div", { class: name, style: { width: percent(values[frame]).replace(" ", "") } }),
      tick === null || tick === undefined ? null : h("div", { class: "tick", style: { left: `${100 * tick}%` } })),
    h("span", { class: "number" }, percent(values[frame])));
  }

  // Rows are made once for a beginning; then only widths and numbers change.
  function fillBars({ frame, pins, prefix }) {
    if (!run.nextTokens.length) return;
    const frames = run.nextTokens[Math.min(prefix, run.nextTokens.length - 1)];
    if (shownBars !== prefix) {
      shownBars = prefix;
      rows = frames.tokens.map((token, index) => {
        const [full, ghost, number] = [h("div", { class: "full" }), h("div", { class: "ghost", hidden: true }), h("span", { class: "number" })];
        const exact = frames.exact[index] ? h("div", { class: "diamond", style: { left: `${100 * frames.exact[index]}%` } }) : null;
        return { full, ghost, number, row: h("div", { class: "bar" }, h("span", { class: "name" }, h("bdi", {}, token)), h("div", { class: "track" }, full, ghost, exact), number) };
      });
      bars.replaceChildren(h("p", { class: "hint" }, "after “", h("bdi", {}, frames.prefix), frames.exact.length ? "” (◇: exact, from the rules of Tinyville)" : "”"), ...rows.map(({ row }) => row));
    }
    const [now, before] = [frames.at(frame), pins.length && pins[0] !== frame ? frames.at(pins[0]) : null];
    rows.forEach(({ full, ghost, number }, index) => {
      full.style.width = `${100 * now[index]}%`;
      number.textContent = now[index].toFixed(2);
      ghost.hidden = !before;
      if (before) ghost.style.width = `${100 * before[index]}%`;
    });
  }

  function paintAttention({ frame, sentence, head }) {
    if (!nHeads) return;
    const chosen = run.attention[Math.min(sentence, run.attention.length - 1)];
    const data = attentionAt(chosen, frame);
    const perRow = Math.ceil(nHeads / Math.max(1, Math.floor(HEAD_SIDE / (THUMB + GAP))));
    const room = looks.parentElement.clientWidth - perRow * (THUMB + GAP) - 6;
    const pen = sharpen(thumbs, perRow * (THUMB + GAP), Math.ceil(nHeads / perRow) * (THUMB + GAP));
    pen.imageSmoothingEnabled = false;
    for (let index = 0; index < nHeads; index++) {
      const [x, y] = [(index % perRow) * (THUMB + GAP) + 2, Math.floor(index / perRow) * (THUMB + GAP) + 2];
      paintPixels(pixels, data, Math.floor(index / chosen.heads), index % chosen.heads, look.ink);
      pen.drawImage(pixels, x, y, THUMB, THUMB);
      pen.strokeStyle = index === head ? look.accent : look.ink;
      pen.lineWidth = index === head ? 3 : 0.5;
      pen.strokeRect(x, y, THUMB, THUMB);
    }
    thumbs.dataset.columns = perRow;
    paintMap(looks, squareLayout(Math.min(room, HEAD_SIDE), data.n), data, Math.floor(head / chosen.heads), head % chosen.heads, look.ink);
  }

  function paintPoints({ frame, shown, word }) {
    if (!run.pointsAt || !look) return;
    const width = points.parentElement.clientWidth;
    const pen = sharpen(points, width, MAP_HEIGHT);
    const scale = Math.min(width, MAP_HEIGHT) - 24;
    const place = ([x, y]) => [width / 2 + (x - 0.5) * scale * Math.min(1.8, width / MAP_HEIGHT), MAP_HEIGHT / 2 - (y - 0.5) * scale];
    const places = run.pointsAt(shown).map(place);
    if (word !== null && word < places.length) paintTrail(pen, steps.map((_, at) => place(run.pointsAt(at)[word])), frame, look.accent);
    pen.lineWidth = 0.5;
    pen.strokeStyle = look.ink;
    places.forEach(([x, y], index) => {
      pen.fillStyle = colorOf(run.group_of[index] ?? 0);
      drawShape(pen, run.group_of[index] ?? 0, x, y, index === word ? 6 : 3.6);
      pen.fill();
      pen.stroke();
    });
    pen.font = "11px sans-serif";
    pen.textBaseline = "middle";
    pen.lineWidth = 3;
    pen.strokeStyle = look.background;
    pen.fillStyle = look.ink;
    const order = [...places.keys()].sort((a, b) => (b === word) - (a === word));
    const asked = order.map((index) => ({ x: places[index][0], y: places[index][1], width: widthOf(pen, run.words[index]), must: index === word }));
    for (const { index, x, y } of labelPlaces(asked, { width, height: MAP_HEIGHT, line: 11, gap: 6 })) {
      pen.strokeText(run.words[order[index]], x, y);
      pen.fillText(run.words[order[index]], x, y);
    }
    shownShare.textContent = run.variance ? ` · ${percent(run.variance[frame])} of spread` : "";
    points.places = places;
  }
  const widths = new Map();
  const widthOf = (pen, text) => {
    if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
    return widths.get(text);
  };

  base.parentElement.addEventListener("pointermove", (event) => layout && on.point(placeIn(base, event)[0], layout));
  marks.addEventListener("pointerleave", () => on.leave());
  marks.addEventListener("click", (event) => layout && on.choose(placeIn(base, event)[0], layout));
  marks.addEventListener("keydown", (event) => on.key(event));
  thumbs.addEventListener("click", (event) => {
    const [column, row] = placeIn(thumbs, event).map((place) => Math.floor(place / (THUMB + GAP)));
    const head = row * Number(thumbs.dataset.columns) + column;
    if (head < nHeads && head >= 0) on.head(head);
  });
  points.addEventListener("click", (event) => {
    let [best, least] = [null, 14];
    const [left, top] = placeIn(points, event);
    (points.places ?? []).forEach(([x, y], word) => {
      const far = Math.hypot(x - left, y - top);
      if (far < least) [best, least] = [word, far];
    });
    on.word(best);
  });
  return { box, marks, cells, paintCurves, paintPoints,
    show(state) {
      if (!look) paintCurves();
      // Sizes are read before anything is changed, so that the page is laid out once.
      paintMarks(state);
      paintAttention(state);
      paintPoints(state);
      fillBars(state);
      fillWrites(state);
    },
    hide(isHidden) {
      for (const one of cells.children) one.classList.toggle("locked", isHidden && !one.classList.contains("loss"));
    } };
}

// Where the map of a head lies: room for names, then n × n cells.
function squareLayout(width, n) {
  const margin = 56;
  const cell = Math.max(2, (width - margin - 4) / n);
  return { n, margin, cell, side: cell * n, width: margin + cell * n + 4, height: margin + cell * n + 4 };
}

// The way that one word has gone, from the first frame to this one.
function paintTrail(pen, way, frame, color) {
  pen.strokeStyle = color;
  pen.lineWidth = 1.5;
  pen.beginPath();
  way.slice(0, frame + 1).forEach(([x, y], index) => pen[index ? "lineTo" : "moveTo"](x, y));
  pen.stroke();
}
