// The loss curve of the training explorers: curves between baselines, painted on a canvas.
import { sharpen } from "./attention_paint.js";

const LINE_HEIGHT = 14;
const DASHES = [[6, 3], [2, 2], [6, 2, 1, 2], [1, 1]];
export const TRAINING_COLOR = "#0072b2";
export const HELD_OUT_COLOR = "#d55e00";

// Places near the wanted ones, in the same order, `gap` apart, and between 0 and `height` where they fit.
export function spreadOut(wanted, gap, height) {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a] - wanted[b]);
  const places = order.map((index) => wanted[index]);
  for (let index = 1; index < places.length; index++) places[index] = Math.max(places[index], places[index - 1] + gap);
  if (places.length) places[places.length - 1] = Math.min(places.at(-1), Math.max(height, ...wanted));
  for (let index = places.length - 2; index >= 0; index--) places[index] = Math.min(places[index], places[index + 1] - gap);
  const spread = [];
  order.forEach((index, rank) => { spread[index] = places[rank]; });
  return spread;
}

// Numbers of the axis: 1, 2 or 5 times a power of ten, about `count` of them.
export function ticksOf(low, high, count) {
  const rough = Math.max(high - low, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)));
}

// Where steps and losses lie. `isLog`: steps as powers, with a place for step 0 at the left end.
export function lossLayout({ width, height, nSteps, lowest, highest, isLog, labelWidth }) {
  const [left, top, bottom] = [42, 8, 34];
  const right = Math.min(labelWidth, width * 0.4);
  const [wide, high] = [Math.max(10, width - left - right), Math.max(10, height - top - bottom)];
  const margin = 0.04 * Math.max(highest - lowest, 0.1);
  const [low, reach] = [lowest - margin, highest - lowest + 2 * margin];
  const along = (step) => (isLog ? Math.log1p(step / 4) / Math.log1p(Math.max(1, nSteps) / 4) : step / Math.max(1, nSteps));
  return {
    width, height, left, top, wide, high, nSteps, low, highest: low + reach, isLog,
    x: (step) => left + wide * along(step),
    y: (loss) => top + high * (1 - (Math.min(Math.max(loss, low), low + reach) - low) / reach),
  };
}

// The steps that are written under the picture.
export function stepTicks({ nSteps, isLog }) {
  if (!isLog) return ticksOf(0, nSteps, 5);
  const powers = [0, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000].filter((step) => step < nSteps * 0.7);
  return [...powers, nSteps];
}

const SHORT = (step) => step.toLocaleString("en-US");

function paintAxes(pen, layout, ink) {
  const { left, top, wide, high } = layout;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.75;
  pen.beginPath();
  pen.moveTo(left + 0.5, top);
  pen.lineTo(left + 0.5, top + high + 0.5);
  pen.lineTo(left + wide, top + high + 0.5);
  pen.stroke();
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  for (const loss of ticksOf(layout.low, layout.highest, 5)) pen.fillText(String(loss), left - 6, layout.y(loss));
  pen.textAlign = "center";
  let taken = -Infinity;
  for (const step of stepTicks(layout)) {
    const half = pen.measureText(SHORT(step)).width / 2;
    if (layout.x(step) - half < taken + 6) continue;
    taken = layout.x(step) + half;
    pen.fillText(SHORT(step), layout.x(step), top + high + 11);
  }
  pen.fillText(layout.isLog ? "step (closer together on the right)" : "step", left + wide / 2, top + high + 26);
  pen.globalAlpha = 1;
}

function paintBaselines(pen, layout, lines, ink) {
  const places = spreadOut(lines.map(([, value]) => layout.y(value)), LINE_HEIGHT, layout.top + layout.high);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  lines.forEach(([name, value], index) => {
    const [y, right] = [layout.y(value), layout.left + layout.wide];
    pen.strokeStyle = pen.fillStyle = ink;
    pen.lineWidth = 1.2;
    pen.setLineDash(DASHES[index % DASHES.length]);
    pen.beginPath();
    pen.moveTo(layout.left, y);
    pen.lineTo(right, y);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 0.4;
    pen.beginPath();
    pen.moveTo(right, y);
    pen.lineTo(right + 8, places[index]);
    pen.stroke();
    pen.globalAlpha = 1;
    pen.fillText(`${name} ${value.toFixed(2)}`, right + 11, places[index], layout.width - right - 12);
  });
}

function paintCurve(pen, layout, { points, color, dashed, dots }) {
  pen.strokeStyle = pen.fillStyle = color;
  pen.lineWidth = 2;
  pen.setLineDash(dashed ? [5, 3] : []);
  pen.beginPath();
  points.forEach(([step, loss], index) => pen[index ? "lineTo" : "moveTo"](layout.x(step), layout.y(loss)));
  pen.stroke();
  pen.setLineDash([]);
  if (!dots && points.length > 1) return;
  for (const [step, loss] of points) {
    const [x, y] = [layout.x(step), layout.y(loss)];
    pen.beginPath();
    if (dots === "square") pen.rect(x - 3.5, y - 3.5, 7, 7);
    else pen.arc(x, y, 3.2, 0, 2 * Math.PI);
    pen.fill();
  }
}

// What stays while one scrubs: axes, baselines, curves.
export function paintLosses(canvas, layout, { curves, lines, ink, font }) {
  const pen = sharpen(canvas, layout.width, layout.height);
  pen.font = font;
  paintAxes(pen, layout, ink);
  paintBaselines(pen, layout, lines, ink);
  for (const curve of curves) paintCurve(pen, layout, curve);
}

// The widest name of a baseline decides how much room is left of it.
export const labelRoom = (pen, lines) => 18 + Math.max(0, ...lines.map(([name, value]) => pen.measureText(`${name} ${value.toFixed(2)}`).width));
