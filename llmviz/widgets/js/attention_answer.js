// What Python's live attention explorer answers, in a page that holds the model: a text read, heads switched off.
import { softmax, unpackModel } from "./model.js";
import { bytePairTokenizer } from "./tokenizer.js";

export const openAttention = (packed) => ({ gpt: unpackModel(packed), tokenizer: bytePairTokenizer(packed.merges), labels: packed.labels });

// −ln p of each token from the second on, in nats.
const lossesOf = (read) => Float32Array.from(read.slice(1), ({ id }, i) => -Math.log(softmax(read[i].logits)[id]));

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const shown = (number) => number.toFixed(2).replace("-", "−");

// Means over the queries from the second on: weight on the token before, on the first, and after the last equal one.
export function headScoresOf(ids, weight) {
  if (ids.length < 2) return {};
  const queries = ids.map((_, query) => query).slice(1);
  const repeated = queries.map((query) => [query, ids.lastIndexOf(ids[query], query - 1)]).filter(([, place]) => place >= 0);
  const scores = { "previous token": mean(queries.map((query) => weight(query, query - 1))), "first token": mean(queries.map((query) => weight(query, 0))) };
  if (repeated.length) scores.induction = mean(repeated.map(([query, place]) => weight(query, place + 1)));
  return scores;
}

export function attentionAnswer({ gpt, tokenizer, labels }, name, get) {
  const text = get("text");
  const off = get("ablate_heads") ?? [];
  if (!text.trim()) throw new RangeError("Type a few words to see their attention weights.");
  const ids = [tokenizer.endOfText, ...tokenizer.encode(text)];
  const read = gpt.read(ids, { ablated: off });
  const { n_layers, n_heads, d_model } = gpt.config;
  const n = ids.length;
  const places = Array.from({ length: n_layers * n_heads }, (_, i) => [Math.floor(i / n_heads), i % n_heads]);
  const weights = Uint16Array.from(places.flatMap(([layer, head]) =>
    read.flatMap(({ layers }) => [...layers[layer].heads[head].weights].map((weight) => Math.round(weight * 65535)))));
  const scoresOf = ([layer, head]) => headScoresOf(ids, (query, key) => read[query].layers[layer].heads[head].weights[key]);
  const scores = {};
  for (const [place, found] of places.map((place) => [place, scoresOf(place)])) {
    for (const [kind, score] of Object.entries(found)) ((scores[kind] ??= [])[place[0]] ??= []).push(score);
  }
  const sharing = n_heads / (gpt.config.n_key_value_heads ?? n_heads);
  const vectors = (part) => Object.assign(Float32Array.from(places.flatMap(([layer, head]) =>
    read.flatMap(({ layers }) => [...layers[layer][part][part === "key" ? Math.floor(head / sharing) : head]]))),
    { shape: [n_layers, n_heads, n, d_model / n_heads] });
  const payload = { ...get("payload"), labels: ids.map((id) => labels[id]), n_layers, n_heads, mask: null, weights, scores,
    query_key: { query: vectors("query"), key: vectors("key") } };
  delete payload.losses;
  if (n > 1) {
    const values = lossesOf(read);
    const all_on = off.length ? lossesOf(gpt.read(ids)) : null;
    const change = all_on && mean(values) - mean(all_on);
    const sentence = !all_on ? `Loss: ${shown(mean(values))} nats per token.`
      : `Loss: ${shown(mean(values))} nats per token (blue); ${shown(mean(all_on))} with all heads on (orange marks): ${change < 0 ? "" : "+"}${shown(change)}.`;
    payload.losses = { values, all_on, sentence };
  }
  return { payload };
}
