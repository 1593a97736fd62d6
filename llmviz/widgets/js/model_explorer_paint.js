// Painting: vectors as strips of color, attention as maps, weights as ribbons. A canvas has one pixel a number; CSS makes it large.
import { attentionColor, colorTable } from "./colors.js";
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

// 256 colors of each kind and theme, made once.
const tables = new Map();
function tableFor(kind, isDark) {
  const name = `${kind} ${isDark}`;
  if (!tables.has(name)) tables.set(name, colorTable(kind === "map" ? (t) => attentionColor(t ** 0.7, isDark) : (t) => stripColor(2 * t - 1, isDark)));
  return tables.get(name);
}

// `placeAt(row, column)`: where its color stands in the table, from 0 to 1; below 0 nothing is painted.
function paint(canvas, columns, rows, table, placeAt) {
  if (canvas.width !== columns) canvas.width = columns;
  if (canvas.height !== rows) canvas.height = rows;
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const place = placeAt(row, column);
      if (place >= 0) pixels[at] = table[Math.min(255, Math.round(255 * place))];
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// From 0 to 1; 0.5 is the number 0, and the whole length stands for three times the root mean square. Kept with the vector,
// because most rows stay as they are when a token comes.
const kept = new WeakMap();
function placesOf(vector, columns) {
  if (!kept.has(vector)) kept.set(vector, new Map());
  const known = kept.get(vector);
  if (!known.has(columns)) known.set(columns, placesNow(vector, columns));
  return known.get(columns);
}

function placesNow(vector, columns) {
  let sum = 0;
  for (const number of vector) sum += number * number;
  const scale = 6 * Math.sqrt(sum / vector.length) || 1;
  return pooled(vector, columns).map((number) => Math.min(1, Math.max(0, 0.5 + number / scale)));
}

// One row a token, each on its own scale.
export function paintStrips(canvas, vectors, columns, isDark) {
  const rows = vectors.map((vector) => placesOf(vector, columns));
  paint(canvas, rows[0].length, rows.length, tableFor("strip", isDark), (row, column) => rows[row][column]);
}

// One vector as a field of several rows, on its own scale.
export function paintField(canvas, vector, columns, isDark) {
  const places = placesOf(vector, vector.length);
  paint(canvas, columns, Math.ceil(vector.length / columns), tableFor("strip", isDark), (row, column) => places[row * columns + column] ?? -1);
}

// Queries are rows, keys columns. What is hidden by the mask stays clear, so that the hatching behind it is seen.
export function paintMap(canvas, rows, isDark) {
  paint(canvas, rows.length, rows.length, tableFor("map", isDark), (query, key) => (key > query ? -1 : rows[query][key]));
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
// The band around the chosen row of all rows.
export function placeBand(band, place, rows) {
  band.style.top = `${(100 * place) / rows}%`;
  band.style.height = `${100 / rows}%`;
}

export const canvasOf = (name) => h("canvas", { class: name, "aria-hidden": "true" });
