// What is known of the tokens, and how they are laid out; no element of the page in here.
import { unpack } from "./base.js";

const N_BYTES = 256;
const UTF8 = new TextDecoder("utf-8", { fatal: true });
const SHOWN_AS = { " ": "·", "\n": "↵", "\t": "⇥" };
const INVISIBLE = /^[\p{C}\p{Z}\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]$/u;
const LONGEST_GRAPHEME = 24;
const LEAST_FILLED = 0.45; // of a line

// The payload of Python as {bytes, ends, starts, rows, …}; bytes are the text's, ends those of its characters.
export function readTokens(payload) {
  const ends = unpack(payload.ends);
  return {
    ...payload, bytes: unpack(payload.bytes), ends,
    starts: Int32Array.from(ends, (_, index) => (index ? ends[index - 1] : 0)),
    rows: payload.rows.map((row) => ({
      ...row, ids: unpack(row.ids), sizes: unpack(row.sizes), joinedBy: row.joined_by && unpack(row.joined_by),
      byteIds: new Map(row.byte_ids), uses: new Map(row.uses),
    })),
  };
}

// The tokens of a row when the first `merges` joins are made: [{start, end, id, label}] in bytes.
export function tokensAt(row, bytes, merges) {
  const tokens = [];
  if (!row.joinedBy) {
    let start = 0;
    for (let index = 0; index < row.ids.length; index++) {
      const end = start + row.sizes[index];
      tokens.push({ start, end, id: row.ids[index], label: row.labels[index] });
      start = end;
    }
    return tokens;
  }
  let start = 0;
  let id = row.byteIds.get(bytes[0]);
  for (let place = 1; place <= row.n_bytes; place++) {
    const by = place < row.n_bytes ? row.joinedBy[place - 1] : -1;
    if (by >= 0 && by < N_BYTES + merges) {
      id = Math.max(id, by);
      continue;
    }
    tokens.push({ start, end: place, id, label: labelOf(bytes.subarray(start, place)) });
    start = place;
    id = row.byteIds.get(bytes[place]);
  }
  return tokens;
}

// Bytes as a learner reads them: text where they are text, with nothing invisible; else hex.
export function labelOf(bytes) {
  let text;
  try {
    text = UTF8.decode(bytes);
  } catch {
    return hex(bytes);
  }
  if (text.includes("\uFFFD")) return hex(bytes);
  let label = "";
  for (const character of text) {
    const shown = SHOWN_AS[character] ?? (INVISIBLE.test(character) ? codeName(character) : character);
    label += label === "" && /^\p{M}/u.test(shown) ? `◌${shown}` : shown;
  }
  return cut(label);
}

// One character as people count them: an emoji of several code points stays whole.
export function graphemeLabel(bytes) {
  const text = UTF8.decode(bytes);
  const visible = [...text].some((character) => !INVISIBLE.test(character) && !/^\p{M}$/u.test(character));
  return visible && text.length <= LONGEST_GRAPHEME && !/\p{Cc}/u.test(text) ? text : labelOf(bytes);
}

const cut = (label) => ([...label].length > LONGEST_GRAPHEME ? `${[...label].slice(0, LONGEST_GRAPHEME - 1).join("")}…` : label);
const codeName = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")} `;
export const hex = (bytes) => `⟨${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}⟩`;
export const isHex = (label) => label.startsWith("⟨");

// Runs of tokens that begin and end between characters: [{first, last (columns), tokens: [index…]}].
// A character of several tokens, or several that share one, is one block; a token of no bytes joins the next block.
export function blocksOf(tokens, ends) {
  const blocks = [];
  let column = 0;
  let open = null;
  tokens.forEach((token, index) => {
    open ??= { first: column, last: column, tokens: [] };
    open.tokens.push(index);
    while (column < ends.length && ends[column] < token.end) column++;
    if (token.end > token.start && ends[column] === token.end) {
      blocks.push({ ...open, last: column });
      column++;
      open = null;
    }
  });
  if (open) blocks.push({ ...open, last: Math.min(column, ends.length - 1) });
  return blocks;
}

// Where lines break: [[first, last + 1]…] columns, each as wide as fits. `cost(place)` says how bad a break before that
// column is (0: nothing is cut); the latest best place is taken that leaves the line well filled.
export function bandsOf(widths, room, cost) {
  const bands = [];
  let first = 0;
  while (first < widths.length) {
    let end = first;
    let used = 0;
    while (end < widths.length && (end === first || used + widths[end] <= room)) used += widths[end++];
    if (end < widths.length) {
      let best = end;
      for (let place = end - 1; place > first && cost(best) > 0; place--) {
        used -= widths[place];
        if (used < room * LEAST_FILLED) break;
        if (cost(place) < cost(best)) best = place;
      }
      end = best;
    }
    bands.push([first, end]);
    first = end;
  }
  return bands;
}

// How many tokens a break before each column would cut, over all rows of blocks.
export function breakCosts(rows, columns) {
  const costs = new Int32Array(columns + 1);
  for (const { first, last, tokens } of rows.flat()) {
    for (let column = first + 1; column <= last; column++) costs[column] += tokens.length;
  }
  return costs;
}

// How wide each column must be so that every block finds room: needs = [[first, last, width]…].
export function columnWidths(own, needs) {
  const widths = Float64Array.from(own);
  for (const [first, last, need] of needs) {
    let sum = 0;
    for (let column = first; column <= last; column++) sum += widths[column];
    const missing = (need - sum) / (last - first + 1);
    if (missing > 0) for (let column = first; column <= last; column++) widths[column] += missing;
  }
  return widths;
}

// How a token came about: {start, end, id, parts: [left, right]}, or a leaf without parts.
export function treeOf(row, start, end, bytes) {
  if (!row.joinedBy || end - start < 2) return { start, end, id: row.byteIds.get(bytes[start]) };
  let at = start + 1;
  for (let place = start + 1; place < end; place++) {
    if (row.joinedBy[place - 1] >= row.joinedBy[at - 1]) at = place;
  }
  const parts = [treeOf(row, start, at, bytes), treeOf(row, at, end, bytes)];
  return { start, end, id: row.joinedBy[at - 1], parts };
}

// The token of a row that holds a byte of the text.
export const tokenAt = (tokens, byte) => tokens.findIndex((token) => token.start <= byte && byte < token.end);

// Four numbers to guess from, the right one among them, in order; where it stands depends on the number itself.
export function guesses(right) {
  const lower = [0.4, 0.55, 0.75].map((factor) => Math.round(right * factor)).filter((n, i, all) => n > 0 && n < right && all.indexOf(n) === i);
  const nLower = Math.min(right % 4, lower.length);
  const options = [...lower.slice(lower.length - nLower), right];
  for (let factor = 1.35; options.length < 4; factor *= 1.35) {
    const next = Math.max(Math.round(right * factor), options.at(-1) + 1);
    options.push(next);
  }
  return options;
}

// The slider: every join for short lists; for long ones each step multiplies, but is never less than one join.
const STEPS = 200;
const FINE = 2000;
export const sliderSteps = (most) => (most <= FINE ? most : STEPS);
export const mergesAt = (step, most) =>
  most <= FINE ? step : step >= STEPS ? most : Math.max(step, Math.round((most + 1) ** (step / STEPS)) - 1);
export function stepAt(merges, most) {
  let step = 0;
  while (step < sliderSteps(most) && mergesAt(step, most) < merges) step++;
  return step;
}
