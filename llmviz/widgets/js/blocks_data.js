// Where a number in a block comes from: every one is a sum of products, and each factor has a place of its own.
import { unpack } from "./base.js";

export function readBlock(payload) {
  const numbers = Object.fromEntries(Object.entries(payload.numbers).map(([name, packed]) => [name, unpack(packed)]));
  const matrices = Object.fromEntries(Object.entries(payload.matrices).map(([name, { largest, numbers: packed }]) =>
    [name, { values: unpack(packed), scale: largest / 32767 }]));
  const weights = unpack(payload.weights);
  return { numbers, matrices, weights, heads: payload.n_heads, n: weights.shape[1], labels: payload.labels, stages: payload.stages };
}

const widthOf = (block, stage) => block.numbers[stage].shape[1];
export const numberAt = (block, { stage, position, index }) =>
  stage === "weight" ? block.weights[weightPlace(block, position, index)] : block.numbers[stage][position * widthOf(block, stage) + index];
// The attention weights of one token: index counts the heads, and in each head the tokens looked at.
const weightPlace = ({ n }, position, index) => (Math.floor(index / n) * n + position) * n + (index % n);

const factor = (block, stage, position, index) => {
  const to = { stage, position, index };
  return { value: numberAt(block, to), to };
};
const plain = (value) => ({ value, to: null });

function matrixTerms(block, matrix, input, position, index) {
  const width = widthOf(block, input);
  const { values, scale } = block.matrices[matrix];
  return Array.from({ length: width }, (_, place) =>
    ({ left: factor(block, input, position, place), right: plain(values[index * width + place] * scale) }));
}

function normalTerms(block, input, position, index) {
  const width = widthOf(block, input);
  const row = block.numbers[input].subarray(position * width, (position + 1) * width);
  const mean = row.reduce((sum, x) => sum + x, 0) / width;
  const spread = Math.sqrt(row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width + 1e-5);
  const left = factor(block, input, position, index);
  const shift = short(mean) === "0" ? [] : [{ left: plain(-mean), right: plain(1 / spread) }];
  return { mean, spread, terms: [{ left, right: plain(1 / spread) }, ...shift] };
}

const short = (x) => (Math.abs(x) < 5e-4 ? "0" : Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3)).replace("-", "−");
export const spoken = short;

// What a number is: its formula in words, and the products whose sum it is (or, where `after` says so, is made from).
export function explain(block, place) {
  const { stage, position, index } = place;
  const value = numberAt(block, place);
  const dHead = widthOf(block, "value") / block.heads;
  const from = (name) => factor(block, name, position, index);
  // `whole`: the sum, where it is known better than by adding many products whose weights are rounded.
  const of = (formula, terms, whole = null) => {
    const products = terms.map((term) => ({ ...term, product: term.left.value * (term.right ? term.right.value : 1) }));
    return { value, formula, after: "", terms: products, sum: whole ?? total(products) };
  };
  if (stage === "after") return of("the stream in the middle + what the feed-forward network adds", [{ left: from("middle") }, { left: from("feed_forward") }]);
  if (stage === "middle") return of("the stream before + what attention adds", [{ left: from("before") }, { left: from("attention") }]);
  if (stage === "feed_forward") return of("hidden layer × a row of the matrix that narrows", matrixTerms(block, "down_proj", "hidden", position, index), value);
  if (stage === "hidden") {
    const found = of("what the feed-forward network reads × a row of the matrix that widens", matrixTerms(block, "up_proj", "feed_forward_input", position, index), value > 0 ? Math.sqrt(value) : null);
    return { ...found, after: value <= 0 ? `The sum, ${short(found.sum)}, is below 0: cut off, it is 0.` : `The sum, ${short(found.sum)}, is squared.` };
  }
  if (stage === "attention") return of("the head outputs × a row of the output matrix", matrixTerms(block, "output", "heads", position, index), value);
  if (stage === "heads") {
    const head = Math.floor(index / dHead);
    const terms = Array.from({ length: block.n }, (_, key) =>
      ({ left: factor(block, "weight", position, head * block.n + key), right: factor(block, "value", key, index) }));
    return of(`head ${head}: each token's attention weight × its value`, terms);
  }
  if (stage === "value") return of("what attention reads × a row of the value matrix", matrixTerms(block, "value", "attention_input", position, index), value);
  if (stage === "weight") {
    const [head, key] = [Math.floor(index / block.n), index % block.n];
    const at = (name, where, number) => plain(block.numbers[name][where * widthOf(block, name) + head * dHead + number]);
    const terms = Array.from({ length: dHead }, (_, number) => ({ left: at("query", position, number), right: at("key", key, number) }));
    const found = of(`head ${head}: the query of “${block.labels[position]}” × the key of “${block.labels[key]}”`, terms);
    return { ...found, after: value === 0 ? "This token is hidden by the mask (or its weight is next to nothing)."
      : `The sum, ${short(found.sum)}, divided by √${dHead}, is the score; the softmax over all scores makes ${short(value)} of it.` };
  }
  if (stage === "attention_input" || stage === "feed_forward_input") {
    const { mean, spread, terms } = normalTerms(block, stage === "attention_input" ? "before" : "middle", position, index);
    return of(`the stream, normalized: minus its mean (${short(mean)}), divided by its spread (${short(spread)})`, terms);
  }
  return of("what the block is given: the embedding, or what the blocks before have made of it", []);
}

export function nameOf(block, { stage, position, index }) {
  if (stage === "weight") return `attention weight from “${block.labels[position]}” to “${block.labels[index % block.n]}”, head ${Math.floor(index / block.n)}`;
  return `${block.stages[stage]}, “${block.labels[position]}”, number ${index}`;
}

const total = (terms) => terms.reduce((sum, term) => sum + term.product, 0);

// The largest products first; the many small ones together are what is missing from the sum.
export function largest(terms, n, sum = total(terms)) {
  const sorted = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = sorted.slice(0, n);
  return { shown, n_rest: sorted.length - shown.length, rest: sum - total(shown) };
}
