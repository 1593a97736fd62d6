// The space behind the picture, as Python packed it, and what can be asked of it; no element of the page in here.
import { unpack } from "./base.js";

// {n, d, frames, labels, groups, groupOf, map, row(frame, word), near}; rows have length 1 up to rounding.
export function readSpace(payload) {
  const numbers = unpack(payload.vectors);
  const [frames, n, d] = numbers.shape;
  return {
    n, d, frames, labels: payload.labels, groups: payload.groups, groupOf: payload.group_of, code: payload.code,
    frameNames: payload.frame_names, near: payload.n_neighbors,
    row: (frame, word) => Float32Array.from(numbers.subarray((frame * n + word) * d, (frame * n + word + 1) * d), (x) => x * payload.scale),
    map: readMap(payload, n, frames),
  };
}

function readMap({ points, variance, kept }, n, frames) {
  const places = unpack(points);
  const views = Array.from({ length: frames }, (_, frame) => viewOf(places.subarray(frame * n * 2, (frame + 1) * n * 2)));
  return {
    variance: (frame) => variance[frame],
    kept: (frame) => kept[frame],
    // x and y from 0 to 1, y upwards; between two frames where `frame` is no whole number.
    points(frame) {
      const [low, high] = [Math.floor(frame), Math.ceil(frame)];
      const part = frame - Math.floor(frame);
      return Array.from({ length: n }, (_, word) => [0, 1].map((axis) => {
        const at = (which) => places[(which * n + word) * 2 + axis] / 65535;
        return at(low) + (at(high) - at(low)) * part;
      }));
    },
    // What must be in sight: {middle: [x, y], reach: [x, y]}; never so near that little movements look large.
    view(frame) {
      const [low, high, part] = [views[Math.floor(frame)], views[Math.ceil(frame)], frame - Math.floor(frame)];
      return { middle: between2(low.middle, high.middle, part), reach: between2(low.reach, high.reach, part) };
    },
  };
}

const between2 = (from, to, part) => from.map((value, axis) => value + (to[axis] - value) * part);
const SMALLEST_VIEW = 0.4;

function viewOf(places) {
  const axes = [0, 1].map((axis) => places.filter((_, index) => index % 2 === axis).reduce(
    ([low, high], value) => [Math.min(low, value / 65535), Math.max(high, value / 65535)], [1, 0]));
  return { middle: axes.map(([low, high]) => (low + high) / 2), reach: axes.map(([low, high]) => Math.max(high - low, SMALLEST_VIEW)) };
}

// The cosine of a direction (d numbers) with every word.
export function cosinesWith(space, frame, direction) {
  const length = Math.hypot(...direction) || 1;
  return Array.from({ length: space.n }, (_, word) => {
    const row = space.row(frame, word);
    let [dot, square] = [0, 0];
    for (let index = 0; index < space.d; index++) {
      dot += row[index] * direction[index];
      square += row[index] * row[index];
    }
    return dot / (length * (Math.sqrt(square) || 1));
  });
}

// Words by falling cosine, those in `without` left out: [{word, cosine}, …]
export const rankedBy = (cosines, without = []) =>
  cosines.map((cosine, word) => ({ word, cosine })).filter(({ word }) => !without.includes(word))
    .sort((a, b) => b.cosine - a.cosine || a.word - b.word);

export const neighborsOf = (space, frame, word) => rankedBy(cosinesWith(space, frame, space.row(frame, word)), [word]);

// Where the walk from a to b leads from c: b − a + c.
export function walkFrom(space, frame, [a, b, c]) {
  const [from, to, start] = [a, b, c].map((word) => space.row(frame, word));
  return start.map((value, index) => value + to[index] - from[index]);
}

// The `count` points nearest to one point of the picture.
export const nearInPicture = (points, word, count) =>
  points.map(([x, y], other) => [Math.hypot(x - points[word][0], y - points[word][1]), other])
    .filter(([, other]) => other !== word).sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, count)
    .map(([, other]) => other);

// The next point in the direction of an arrow key; the same where there is none.
export function stepToward(points, from, key) {
  const [dx, dy] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  let [best, least] = [from, Infinity];
  points.forEach(([x, y], word) => {
    const [ahead, aside] = [(x - points[from][0]) * dx + (y - points[from][1]) * dy,
      Math.abs((x - points[from][0]) * dy) + Math.abs((y - points[from][1]) * dx)];
    if (ahead <= 1e-6 || aside > 2 * ahead) return;
    const far = ahead + 2 * aside;
    if (far < least) [best, least] = [word, far];
  });
  return best;
}

// The first word that is, begins with, or holds what was typed; small and capital letters alike. -1 if there is none.
export function foundWord(labels, typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return -1;
  const small = labels.map((label) => label.toLowerCase());
  const exact = labels.indexOf(typed.trim());
  if (exact >= 0) return exact;
  return [(label) => label === wanted, (label) => label.startsWith(wanted), (label) => label.includes(wanted)]
    .map((fits) => small.findIndex(fits)).find((index) => index >= 0) ?? -1;
}

// Which labels fit: in order of importance, each at the first free side of its point.
// places: [{x, y, width, must}], sizes in pixels; gives {index, x, y} of each label that is written (its left middle).
export function labelPlaces(places, { width, height, line = 13, gap = 7 }) {
  const cell = 26;
  const taken = new Map();
  const cells = ([left, top, right, bottom]) => {
    const keys = [];
    for (let x = Math.floor(left / cell); x <= Math.floor(right / cell); x++) {
      for (let y = Math.floor(top / cell); y <= Math.floor(bottom / cell); y++) keys.push(x * 4096 + y);
    }
    return keys;
  };
  const hits = (box) => cells(box).some((key) => (taken.get(key) ?? []).some((other) =>
    box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]));
  const take = (box) => {
    for (const key of cells(box)) {
      if (!taken.has(key)) taken.set(key, []);
      taken.get(key).push(box);
    }
  };
  for (const { x, y } of places) take([x - 4, y - 4, x + 4, y + 4]);
  const written = [];
  places.forEach(({ x, y, width: wide, must }, index) => {
    const sides = [[x + gap, y], [x - gap - wide, y], [x - wide / 2, y - gap - 5], [x - wide / 2, y + gap + 5]];
    const boxes = sides.map(([left, middle]) => [left, middle - line / 2, left + wide, middle + line / 2]);
    const inside = ([left, top, right, bottom]) => left >= 0 && right <= width && top >= 0 && bottom <= height;
    let side = boxes.findIndex((box) => inside(box) && !hits(box));
    if (side < 0 && must) side = Math.max(0, boxes.findIndex(inside));
    if (side < 0) return;
    take(boxes[side]);
    written.push({ index, x: sides[side][0], y: sides[side][1] });
  });
  return written;
}

// A question of predict mode: which word is nearest? The right answer, what the picture suggests, and others.
export function questionOf(space, points, frame, number) {
  const word = (number * 7919 + 3) % space.n;
  const [best] = neighborsOf(space, frame, word);
  const options = [best.word];
  const others = [...nearInPicture(points, word, 3), ...Array.from({ length: space.n }, (_, index) => (word + 1 + index * 31) % space.n),
    ...Array.from({ length: space.n }, (_, index) => index)];
  for (const other of others) {
    if (options.length < Math.min(4, space.n - 1) && other !== word && !options.includes(other)) options.push(other);
  }
  options.sort((a, b) => ((a * 37 + number) % 101) - ((b * 37 + number) % 101) || a - b);
  return { word, options, right: options.indexOf(best.word), cosine: best.cosine };
}
