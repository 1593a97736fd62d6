// Painting on canvases: a head as a grid of pixels, the chosen one as a map with names and numbers.
import { attentionColor, colorTable, diverging, inkOn, isLight } from "./colors.js";

const [ON_LIGHT, ON_DARK] = [false, true].map((isDark) => colorTable((t) => attentionColor(t, isDark)));
const CHANGES = colorTable((t) => diverging(2 * t - 1));
const scaleOf = (data) => (data.isDifference ? (number) => (number / data.range + 1) / 2 : (number) => number);

// One pixel a cell; masked cells stay open, so that the hatching behind shows.
export function paintPixels(canvas, data, layer, head, ink) {
  const { n } = data;
  canvas.width = canvas.height = n;
  const image = new ImageData(n, n);
  const pixels = new Uint32Array(image.data.buffer);
  const [colors, scale] = [data.isDifference ? CHANGES : isLight(ink) ? ON_DARK : ON_LIGHT, scaleOf(data)];
  for (let query = 0; query < n; query++) {
    for (let key = 0; key < n; key++) {
      if (data.allowed(query, key)) pixels[query * n + key] = colors[Math.round(255 * scale(data.weight(layer, head, query, key)))];
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// Make a canvas sharp on this screen; its pen then counts in CSS pixels.
export function sharpen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return pen;
}

const shorten = (pen, label, room) => {
  if (pen.measureText(label).width <= room) return label;
  const letters = [...label];
  while (letters.length > 1 && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
};

// Where the map lies in its canvas: a margin for names, then n × n cells.
export function mapLayout(width, n) {
  const margin = Math.min(110, Math.max(56, width * 0.2));
  const cell = Math.max(2, Math.min((width - margin - 4) / n, 46));
  const side = cell * n;
  return {
    n, margin, cell, side, width: margin + side + 4, height: margin + side + 4,
    cellAt(x, y) {
      const [key, query] = [Math.floor((x - margin) / cell), Math.floor((y - margin) / cell)];
      return key < 0 || query < 0 || key >= n || query >= n ? null : { query, key };
    },
  };
}

// What does not change while one points: cells, hatching, names, numbers.
export function paintMap(canvas, layout, data, layer, head, ink) {
  const pen = sharpen(canvas, layout.width, layout.height);
  const { n, margin, cell, side } = layout;
  const pixels = document.createElement("canvas");
  paintPixels(pixels, data, layer, head, ink);
  hatchMasked(pen, layout, data, ink);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(pixels, margin, margin, side, side);
  pen.fillStyle = ink;
  const size = Math.min(12, Math.max(8, cell * 0.8));
  pen.font = `${size}px sans-serif`;
  const every = Math.ceil(Math.max(9, size) / cell);
  pen.textBaseline = "middle";
  for (let index = 0; index < n; index += every) {
    const label = shorten(pen, data.labels[index], margin - 10);
    pen.textAlign = "right";
    pen.fillText(label, margin - 5, margin + (index + 0.5) * cell);
    pen.save();
    pen.translate(margin + (index + 0.5) * cell, margin - 5);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "left";
    pen.fillText(label, 0, 0);
    pen.restore();
  }
  if (cell >= 27) printNumbers(pen, layout, data, layer, head, isLight(ink));
  pen.globalAlpha = 0.75;
  pen.font = "11px sans-serif";
  pen.textAlign = "left";
  pen.fillText("↓ looks", 2, margin - 22);
  pen.fillText("→ looked at", 2, margin - 8);
  pen.globalAlpha = 1;
}

function hatchMasked(pen, { n, margin, cell, side }, data, ink) {
  pen.save();
  pen.beginPath();
  for (let query = 0; query < n; query++) {
    for (let key = 0; key < n; key++) {
      const start = key;
      while (key < n && !data.allowed(query, key)) key++;
      if (key > start) pen.rect(margin + start * cell, margin + query * cell, (key - start) * cell, cell);
    }
  }
  pen.clip();
  pen.strokeStyle = ink;
  pen.globalAlpha = 0.3;
  pen.beginPath();
  for (let offset = -side; offset < side; offset += 7) {
    pen.moveTo(margin + offset, margin + side);
    pen.lineTo(margin + offset + side, margin);
  }
  pen.stroke();
  pen.restore();
}

function printNumbers(pen, { n, margin, cell }, data, layer, head, isDark) {
  pen.textAlign = "center";
  pen.font = `${Math.min(12, cell * 0.34)}px sans-serif`;
  for (let query = 0; query < n; query++) {
    for (let key = 0; key < n; key++) {
      if (!data.allowed(query, key)) continue;
      const number = data.weight(layer, head, query, key);
      pen.fillStyle = inkOn(data.isDifference ? diverging(number / data.range) : attentionColor(number, isDark));
      const shown = data.isDifference ? `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}` : number.toFixed(2);
      pen.fillText(shown, margin + (key + 0.5) * cell, margin + (query + 0.5) * cell);
    }
  }
}

// What changes while one points: frames round a row, a column or a cell; the second pin is dashed and blue.
export function paintMarks(canvas, layout, marks) {
  const pen = sharpen(canvas, layout.width, layout.height);
  const { margin, cell, side } = layout;
  for (const { query, key, color, dashed, number } of marks) {
    const box = query == null && key == null ? [margin, margin, side, side] : query == null ? [margin + key * cell, margin, cell, side]
      : key == null ? [margin, margin + query * cell, side, cell]
        : [margin + key * cell, margin + query * cell, cell, cell];
    pen.setLineDash([]);
    pen.lineWidth = 4;
    pen.strokeStyle = "#fff";
    pen.strokeRect(...box);
    pen.setLineDash(dashed ? [5, 3] : []);
    pen.lineWidth = 2.5;
    pen.strokeStyle = color;
    pen.strokeRect(...box);
    if (number) {
      pen.fillStyle = color;
      pen.fillRect(box[0] - 7, box[1] - 7, 14, 14);
      pen.fillStyle = "#fff";
      pen.font = "bold 11px sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(number, box[0], box[1] + 0.5);
    }
  }
}

// Lines from each token that looks (left) to those it looks at (right); thicker is more, dashed is less than before.
export function paintLines(canvas, { width, rowHeight }, data, layer, head, { threshold, target, ink, colors }) {
  const { n } = data;
  const pen = sharpen(canvas, width, rowHeight * n);
  const middle = (row) => (row + 0.5) * rowHeight;
  const line = (query, key, weight, strong) => {
    pen.globalAlpha = strong ? Math.min(1, 0.25 + Math.abs(weight)) : Math.min(1, 0.08 + Math.abs(weight)) * (target ? 0.25 : 0.8);
    pen.strokeStyle = strong ? colors.strong : data.isDifference ? (weight < 0 ? colors.less : colors.more) : ink;
    pen.lineWidth = 0.6 + 4 * Math.abs(weight);
    pen.setLineDash(weight < 0 ? [4, 3] : []);
    pen.beginPath();
    pen.moveTo(0, middle(query));
    pen.bezierCurveTo(width * 0.45, middle(query), width * 0.55, middle(key), width, middle(key));
    pen.stroke();
  };
  const meant = (query, key) => target &&
    (target.query == null || target.query === query) && (target.key == null || target.key === key);
  for (const strong of [false, true]) {
    for (let query = 0; query < n; query++) {
      for (let key = 0; key < n; key++) {
        if (!data.allowed(query, key) || Boolean(meant(query, key)) !== strong) continue;
        const weight = data.weight(layer, head, query, key);
        if (weight !== 0 && Math.abs(weight) >= threshold) line(query, key, weight, strong);
      }
    }
  }
}
