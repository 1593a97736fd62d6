// The picture of the EmbeddingExplorer: shapes, lines, arrows and names on a canvas.
import { OKABE_ITO } from "./colors.js";
import { labelPlaces } from "./embeddings_data.js";

const STAR = Array.from({ length: 10 }, (_, index) => {
  const [angle, reach] = [(index * Math.PI) / 5 - Math.PI / 2, index % 2 ? 0.55 : 1.35];
  return [Math.cos(angle) * reach, Math.sin(angle) * reach];
});
const CROSS = [[-1, -0.4], [-0.4, -0.4], [-0.4, -1], [0.4, -1], [0.4, -0.4], [1, -0.4], [1, 0.4], [0.4, 0.4], [0.4, 1], [-0.4, 1], [-0.4, 0.4], [-1, 0.4]];
const turnedBy45 = ([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2];

// Circle (null), square, triangle, diamond, triangle down, plus, cross, star: the order of the still picture.
export const SHAPES = [
  null,
  [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  [[0, -1.15], [1.1, 0.85], [-1.1, 0.85]],
  [[0, -1.25], [1.05, 0], [0, 1.25], [-1.05, 0]],
  [[0, 1.15], [1.1, -0.85], [-1.1, -0.85]],
  CROSS.map(([x, y]) => [x * 1.15, y * 1.15]),
  CROSS.map(([x, y]) => turnedBy45([x * 1.15, y * 1.15])),
  STAR,
];

export function drawShape(pen, group, x, y, size) {
  const shape = SHAPES[group];
  pen.beginPath();
  if (!shape) pen.arc(x, y, size, 0, 2 * Math.PI);
  else shape.forEach(([dx, dy], index) => pen[index ? "lineTo" : "moveTo"](x + dx * size, y + dy * size));
  pen.closePath();
}

export const colorOf = (group) => OKABE_ITO[group % OKABE_ITO.length];

function arrow(pen, [x0, y0], [x1, y1]) {
  const [length, angle] = [Math.hypot(x1 - x0, y1 - y0), Math.atan2(y1 - y0, x1 - x0)];
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
  if (length < 8) return;
  pen.setLineDash([]);
  pen.beginPath();
  for (const turn of [-0.45, 0, 0.45]) {
    if (turn === 0) pen.moveTo(x1, y1);
    else {
      pen.moveTo(x1, y1);
      pen.lineTo(x1 - 10 * Math.cos(angle + turn), y1 - 10 * Math.sin(angle + turn));
    }
  }
  pen.stroke();
}

// scene: {places: [[x, y], …] in pixels, labels, groupOf, cards: [{word, near: [{word, seen}], color}], marked,
//  arrows: [{from, to, dashed, color}], landing, hidden: no names of words that are not in the scene}
export function drawScene(pen, scene, { width, height, ink, background, font, measure }) {
  pen.clearRect(0, 0, width, height);
  pen.lineJoin = "round";
  const lit = new Set(scene.marked);
  for (const card of scene.cards) {
    lit.add(card.word);
    for (const { word, seen } of card.near) {
      lit.add(word);
      pen.strokeStyle = card.color;
      pen.globalAlpha = 0.75;
      pen.lineWidth = 1.5;
      pen.setLineDash(seen ? [] : [3, 4]);
      pen.beginPath();
      pen.moveTo(...scene.places[card.word]);
      pen.lineTo(...scene.places[word]);
      pen.stroke();
    }
  }
  pen.setLineDash([]);
  const dimmed = lit.size > 0;
  const order = scene.places.map((_, word) => word).sort((a, b) => lit.has(a) - lit.has(b));
  for (const word of order) {
    const [x, y] = scene.places[word];
    pen.globalAlpha = dimmed && !lit.has(word) ? 0.45 : 1;
    pen.fillStyle = colorOf(scene.groupOf[word] ?? 0);
    pen.strokeStyle = ink;
    pen.lineWidth = lit.has(word) ? 1 : 0.5;
    drawShape(pen, scene.groupOf[word] ?? 0, x, y, lit.has(word) ? 5 : 4);
    pen.fill();
    pen.stroke();
  }
  pen.globalAlpha = 1;
  for (const { word, color } of scene.cards) {
    pen.strokeStyle = color;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(...scene.places[word], 9, 0, 2 * Math.PI);
    pen.stroke();
  }
  drawArrows(pen, scene);
  drawNames(pen, scene, lit, { width, height, ink, background, font, measure });
}

function drawArrows(pen, scene) {
  pen.lineWidth = 2.5;
  for (const { from, to, dashed, color } of scene.arrows) {
    pen.strokeStyle = color;
    pen.setLineDash(dashed ? [7, 4] : []);
    arrow(pen, from, to);
  }
  pen.setLineDash([]);
}

function drawNames(pen, scene, lit, { width, height, ink, background, font, measure }) {
  const first = [...new Set([...scene.cards.map((card) => card.word), ...lit])];
  const others = scene.hidden ? [] : scene.places.map((_, word) => word).filter((word) => !lit.has(word));
  const words = [...first, ...others];
  const asked = words.map((word) => ({ x: scene.places[word][0], y: scene.places[word][1],
    width: measure(scene.labels[word]), must: scene.cards.some((card) => card.word === word) || scene.marked.includes(word) }));
  pen.font = font;
  pen.textBaseline = "middle";
  pen.lineWidth = 3;
  pen.strokeStyle = background;
  for (const { index, x, y } of labelPlaces(asked, { width, height })) {
    const word = words[index];
    pen.globalAlpha = lit.size && !lit.has(word) ? 0.7 : 1;
    pen.strokeText(scene.labels[word], x, y);
    pen.fillStyle = ink;
    pen.fillText(scene.labels[word], x, y);
  }
  pen.globalAlpha = 1;
}
