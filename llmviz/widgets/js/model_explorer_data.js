// What the picture of the whole shows: the model read token by token, and the steps inside each of its parts.
import { unpackModel } from "./model.js";
import { filteredProbabilities, sampledRank } from "./sampling.js";
import { bytePairTokenizer } from "./tokenizer.js";

export function openWhole(packed) {
  const gpt = unpackModel(packed);
  return { gpt, tokenizer: bytePairTokenizer(packed.merges), labels: packed.labels, ids: [], read: [], cache: gpt.newCache() };
}

// Read some ids; what the last text has in common with them is kept. Of those only the keys and values are used again.
export function readOn(page, ids) {
  let reused = 0;
  while (reused < ids.length && ids[reused] === page.ids[reused]) reused++;
  for (const layer of page.cache) layer.length = reused;
  page.read.length = reused;
  page.ids = [...ids];
  if (reused < ids.length) page.read.push(...page.gpt.read(ids.slice(reused), { cache: page.cache }));
  return { read: page.read, reused };
}

// The ids of a text and the tokens added to it. Only the last ones, if there are more than the model sees at once.
export function idsOf({ gpt, tokenizer }, text, added) {
  const all = [tokenizer.endOfText, ...tokenizer.encode(text), ...added];
  return { ids: all.slice(-gpt.config.context_length), n_cut: Math.max(0, all.length - gpt.config.context_length) };
}

// The parts in the order in which they compute: {kind, layer, head}.
export function partsOf({ n_layers, n_heads }) {
  const block = (layer) => [...Array.from({ length: n_heads }, (_, head) => ({ kind: "head", layer, head })), { kind: "mlp", layer }, { kind: "stream", layer }];
  return [{ kind: "tokens" }, { kind: "embedding" }, ...Array.from({ length: n_layers }, (_, layer) => block(layer)).flat(), { kind: "logits" }];
}

// Logits, sorted, as sampling.js takes them; and their ids.
export function sortedLogits(logits) {
  const ids = Array.from(logits, (_, id) => id).sort((one, other) => logits[other] - logits[one]);
  return { ids, logs: Float64Array.from(ids, (id) => logits[id]), counts: new Uint8Array(ids.length).fill(1) };
}

// The most probable tokens at a temperature: {id, logit, probability}.
export function likeliest(logits, temperature, count) {
  const sorted = sortedLogits(logits);
  const { masses } = filteredProbabilities(sorted, { temperature, top_k: 0, top_p: 0 });
  return sorted.ids.slice(0, count).map((id, rank) => ({ id, logit: logits[id], probability: masses[rank] }));
}

export function drawnToken(logits, temperature, point) {
  const sorted = sortedLogits(logits);
  return sorted.ids[sampledRank(sorted, { temperature, top_k: 0, top_p: 0 }, point)];
}

const product = (x, y) => x.reduce((sum, number, i) => sum + number * y[i], 0);
export const lengthOf = (x) => Math.sqrt(product(x, x));
export const sizeOf = (x) => x.reduce((most, number) => Math.max(most, Math.abs(number)), 0);

// One head at one query: for each position q·k, divided by √d, hidden or not, its weight, its value; and the mix of values.
export function headSteps({ gpt }, read, { layer, head }, query) {
  const { d_model, n_heads, n_key_value_heads } = gpt.config;
  const shared = Math.floor(head / (n_heads / (n_key_value_heads ?? n_heads)));
  const at = read[query].layers[layer];
  const rows = read.map(({ layers }, place) => {
    const [key, value] = [layers[layer].key[shared], layers[layer].value[shared]];
    const dot = product(at.query[head], key);
    return { key, value, dot, score: dot / Math.sqrt(d_model / n_heads), isHidden: place > query, weight: at.heads[head].weights[place] ?? 0 };
  });
  return { query: at.query[head], rows, mix: at.heads[head].output };
}

// The means over all heads of a layer: how much a token looks at each.
export function meanWeights(read, layer, query) {
  const { heads } = read[query].layers[layer];
  return Float64Array.from({ length: query + 1 }, (_, place) => heads.reduce((sum, { weights }) => sum + weights[place], 0) / heads.length);
}

// The hidden units of an MLP with the largest values after the activation.
export function strongestUnits({ before_activation, hidden }, count) {
  const units = Array.from(hidden, (after, unit) => ({ unit, before: before_activation[unit], after }));
  return units.sort((one, other) => Math.abs(other.after) - Math.abs(one.after)).slice(0, count);
}

// The tokens whose embeddings point most in the direction of one: {id, cosine}, without itself.
export function nearestTokens({ gpt }, id, count) {
  const own = gpt.embed(id, 0);
  const cosine = (other) => product(own, other) / (lengthOf(own) * lengthOf(other) || 1);
  const all = Array.from({ length: gpt.config.vocab_size }, (_, other) => ({ id: other, cosine: cosine(gpt.embed(other, 0)) }));
  return all.filter((one) => one.id !== id).sort((one, other) => other.cosine - one.cosine).slice(0, count);
}

// Numbers side by side in fewer columns: of each group the one that is farthest from 0.
export function pooled(numbers, columns) {
  if (numbers.length <= columns) return numbers;
  return Float32Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * numbers.length) / columns);
    const to = Math.floor(((column + 1) * numbers.length) / columns);
    return numbers.subarray(from, to).reduce((most, number) => (Math.abs(number) > Math.abs(most) ? number : most), 0);
  });
}
