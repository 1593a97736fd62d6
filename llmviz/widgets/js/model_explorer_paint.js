// Painting: vectors as strips of color, attention as maps, weights as ribbons. A canvas has one pixel a number; CSS makes it large.
import { attentionColor } from "./colors.js";
import { h, svg } from "./base.js";
import { pooled } from "./model_explorer_data.js";

const BLUES = { light: [0, 90, 160], dark: [86, 180, 233] };
const REDS = { light: [213, 84, 0], dark: [245, 150, 50] };

// [red, green, blue] of a number from -1 to 1: blue is negative, orange positive, and 0 the color of the paper.
export function stripColor(t, isDark) {
  const paper = isDark ? 38 : 246;
  const ink = (t < 0 ? BLUES : REDS)[isDark ? "dark" : "light"];
  const share = Math.min(1, Math.abs(t)) ** 0.75;
  return ink.map((value) => Math.round(paper + share * (value - paper)));
}

function paint(canvas, columns, rows, colorAt) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const image = new ImageData(columns, rows);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at += 4) {
      const color = colorAt(row, column);
      if (!color) continue;
      image.data.set(color, at);
      image.data[at + 3] = 255;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// One row a token. Each row has its own scale: its root mean square is a third of the full color.
export function paintStrips(canvas, vectors, columns, isDark) {
  const rows = vectors.map((vector) => {
    const scale = 3 * Math.sqrt(vector.reduce((sum, number) => sum + number * number, 0) / vector.length) || 1;
    return pooled(vector, columns).map((number) => number / scale);
  });
  paint(canvas, rows[0].length, rows.length, (row, column) => stripColor(rows[row][column], isDark));
}

// One vector as a field of several rows, on its own scale.
export function paintField(canvas, vector, columns, isDark) {
  const scale = 3 * Math.sqrt(vector.reduce((sum, number) => sum + number * number, 0) / vector.length) || 1;
  paint(canvas, columns, Math.ceil(vector.length / columns), (row, column) =>
    (row * columns + column < vector.length ? stripColor(vector[row * columns + column] / scale, isDark) : null));
}

// Queries are rows, keys columns. What is hidden by the mask stays clear, so that the hatching behind it is seen.
export function paintMap(canvas, rows, isDark) {
  paint(canvas, rows.length, rows.length, (query, key) => (key > query ? null : attentionColor(rows[query][key] ** 0.7, isDark)));
}

// Ribbons from places at the left to places at the right: [from, to, share], places in units of the height. Behind them a
// rail for each of `rails` rows: the stream goes on.
export function paintRibbons(drawing, ribbons, { height, thickest, rails = 0 }) {
  drawing.setAttribute("viewBox", `0 0 100 ${height}`);
  const straight = Array.from({ length: rails }, (_, row) => svg("path", { class: "rail", d: `M0 ${row + 0.5} H100` }));
  drawing.replaceChildren(...straight, ...ribbons.filter(([, , share]) => share > 0.015).map(([from, to, share]) =>
    svg("path", { d: `M0 ${from} C55 ${from} 45 ${to} 100 ${to}`, "stroke-width": Math.max(0.8, thickest * share).toFixed(2), opacity: (0.3 + 0.6 * Math.sqrt(share)).toFixed(2) })));
}

export const ribbonsOf = () => svg("svg", { class: "ribbons", preserveAspectRatio: "none", "aria-hidden": "true" });
export const canvasOf = (name) => h("canvas", { class: name, "aria-hidden": "true" });
