// The numbers behind the picture, as Python packed them; no element of the page in here.
import { unpack } from "../../shell/static/shell.js";

// {n, layers, heads, labels, allowed(query, key), weight(layer, head, query, key), digits}
export function readAttention({ labels, n_layers, n_heads, mask, weights }) {
  const n = labels.length;
  const open = mask ? unpack(mask) : null;
  const values = unpack(weights);
  const full = values.dtypeMax ?? (values instanceof Uint8Array ? 255 : 65535);
  const perHead = open ? n * n : (n * (n + 1)) / 2;
  const allowed = open ? (query, key) => open[query * n + key] === 1 : (query, key) => key <= query;
  const place = open ? (query, key) => query * n + key : (query, key) => (query * (query + 1)) / 2 + key;
  return {
    n, layers: n_layers, heads: n_heads, labels, allowed, digits: full === 255 ? 2 : 3,
    weight: (layer, head, query, key) =>
      allowed(query, key) ? values[(layer * n_heads + head) * perHead + place(query, key)] / full : 0,
  };
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
