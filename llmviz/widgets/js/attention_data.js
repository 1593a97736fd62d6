// The numbers behind the picture, as Python packed them; no element of the page in here.
import { unpack } from "./base.js";

// One input: {n, layers, heads, labels, allowed(query, key), weight(layer, head, query, key), digits}.
export function readAttention({ labels, n_layers, n_heads, mask }, weights) {
  const n = labels.length;
  const open = mask ? unpack(mask) : null;
  const values = unpack(weights);
  const full = values instanceof Uint8Array ? 255 : 65535;
  const perHead = open ? n * n : (n * (n + 1)) / 2;
  const allowed = open ? (query, key) => open[query * n + key] === 1 : (query, key) => key <= query;
  const place = open ? (query, key) => query * n + key : (query, key) => (query * (query + 1)) / 2 + key;
  return {
    n, layers: n_layers, heads: n_heads, labels, allowed, digits: full === 255 ? 2 : 3, isDifference: false,
    weight: (layer, head, query, key) =>
      allowed(query, key) ? values[(layer * n_heads + head) * perHead + place(query, key)] / full : 0,
  };
}

// The second input minus the first, token by token; where the tokens differ, both are named.
export function differenceOf(first, second) {
  const weight = (layer, head, query, key) => second.weight(layer, head, query, key) - first.weight(layer, head, query, key);
  let range = 0.05;
  for (let layer = 0; layer < first.layers; layer++) {
    for (let head = 0; head < first.heads; head++) {
      for (let query = 0; query < first.n; query++) {
        for (let key = 0; key < first.n; key++) range = Math.max(range, Math.abs(weight(layer, head, query, key)));
      }
    }
  }
  const labels = first.labels.map((label, index) => (label === second.labels[index] ? label : `${label} → ${second.labels[index]}`));
  return { ...first, isDifference: true, range, labels, weight };
}

// All that may be looked at: {one: …} or {one, other, difference}.
export function readViews(payload) {
  const one = readAttention(payload, payload.weights);
  if (!payload.compare) return { one };
  const other = readAttention({ ...payload, labels: payload.compare.labels }, payload.compare.weights);
  return { one, other, difference: differenceOf(one, other) };
}

// The `count` positions with the largest numbers, the largest first; none that are 0.
export function largest(numbers, count) {
  return numbers.map((number, index) => [number, index]).filter(([number]) => number !== 0)
    .sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]) || a[1] - b[1]).slice(0, count).map(([, index]) => index);
}

export const rowOf = (data, layer, head, query) =>
  Array.from({ length: data.n }, (_, key) => data.weight(layer, head, query, key));
export const columnOf = (data, layer, head, key) =>
  Array.from({ length: data.n }, (_, query) => data.weight(layer, head, query, key));

// From a query and all keys to the weights, step by step: products, divided by √d, masked, softmax.
export function attentionSteps(query, keys, isAllowed) {
  const root = Math.sqrt(query.length);
  const products = keys.map((key) => query.reduce((sum, number, index) => sum + number * key[index], 0));
  const scaled = products.map((product) => product / root);
  const top = Math.max(...scaled.filter((_, index) => isAllowed(index)));
  const powers = scaled.map((score, index) => (isAllowed(index) ? Math.exp(score - top) : 0));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return keys.map((_, index) => ({
    product: products[index], scaled: scaled[index], allowed: isAllowed(index), weight: powers[index] / total,
  }));
}

const unpackedVectors = new WeakMap();

// The vectors of one head: {query: [n][d], key: [n][d]}.
export function vectorsOf(packed, layer, head) {
  if (!unpackedVectors.has(packed)) unpackedVectors.set(packed, { query: unpack(packed.query), key: unpack(packed.key) });
  const values = unpackedVectors.get(packed);
  const [, heads, n, d] = values.query.shape;
  const start = (layer * heads + head) * n * d;
  const split = (all) => Array.from({ length: n }, (_, row) => [...all.subarray(start + row * d, start + (row + 1) * d)]);
  return { query: split(values.query), key: split(values.key) };
}

// Questions worth asking of a head: queries with a choice, whose answer is clear; the clearest first.
export function questionsOf(data, layer, head) {
  const found = [];
  for (let query = 1; query < data.n; query++) {
    const row = rowOf(data, layer, head, query);
    const [best, second] = largest(row, 2);
    if (best !== undefined && row.filter((_, key) => data.allowed(query, key)).length > 1) {
      const lead = row[best] - (second === undefined ? 0 : row[second]);
      found.push({ query, right: best, lead: lead - (best === 0 ? 0.5 : 0) });
    }
  }
  return found.sort((a, b) => b.lead - a.lead || a.query - b.query);
}

// Up to `count` keys to choose from: the most looked at and others spread over the text, in order of position.
export function optionsOf(data, layer, head, query, count = 12) {
  const row = rowOf(data, layer, head, query);
  const keys = row.map((_, key) => key).filter((key) => data.allowed(query, key));
  if (keys.length <= count) return keys;
  const chosen = new Set(largest(row, count / 2));
  for (let step = 0; chosen.size < count; step++) chosen.add(keys[Math.floor((step * 0.618 + 0.1) * keys.length) % keys.length]);
  return [...chosen].sort((a, b) => a - b);
}
