// A GPT in plain JavaScript, the same numbers as llmviz.model.DecoderOnly (and, with causal: false, as EncoderOnly).
// A vector is a Float32Array; a weight is stored as in PyTorch: one row of d_in numbers for each of its d_out outputs.
import { unpack } from "./base.js";

const QUERY_GAIN = 2.5;

// y = W x + b
export function linearLayer(x, weight, bias) {
  const y = new Float32Array(weight.length / x.length);
  for (let row = 0, at = 0; row < y.length; row++) {
    let sum = bias ? bias[row] : 0;
    for (let i = 0; i < x.length; i++) sum += weight[at++] * x[i];
    y[row] = sum;
  }
  return y;
}

// Layer normalization: mean 0 and variance 1; with "rms" only the root mean square becomes 1.
export function normalize(x, { kind = "plain", weight, bias, epsilon = 1e-5 } = {}) {
  let [mean, square] = [0, 0];
  if (kind !== "rms") for (const number of x) mean += number / x.length;
  for (const number of x) square += (number - mean) ** 2 / x.length;
  const scale = 1 / Math.sqrt(square + epsilon);
  return x.map((number, i) => (number - mean) * scale * (weight ? weight[i] : 1) + (bias ? bias[i] : 0));
}

export function softmax(scores) {
  const top = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const shares = Float64Array.from(scores, (score) => Math.exp(score - top));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

// The error function (Abramowitz and Stegun 1964, formula 7.1.26 has 1e-7; this series and fraction have 1e-15).
function erf(x) {
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  let [sum, term] = [size, size];
  if (size < 3) {
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-size * size) / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (size + fraction);
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction));
}

const silu = (x) => x / (1 + Math.exp(-x));
const ACTIVATIONS = {
  squared_relu: (x) => Math.max(0, x) ** 2,
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  gelu_tanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  swiglu: silu,
};

// Rotary positions: turn the pair (i, i + d_head / 2) by position / base^(2i / d_head).
export function rotate(x, position, base) {
  const half = x.length / 2;
  const turned = new Float32Array(x.length);
  for (let i = 0; i < half; i++) {
    const angle = Math.fround(position * Math.fround(base ** (-i / half)));
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    turned[i] = x[i] * cos - x[i + half] * sin;
    turned[i + half] = x[i + half] * cos + x[i] * sin;
  }
  return turned;
}

const addVectors = (x, y) => x.map((number, i) => number + y[i]);
const splitVector = (x, size) => Array.from({ length: x.length / size }, (_, i) => x.subarray(i * size, (i + 1) * size));

function sinusoidal(position, d_model) {
  return Float32Array.from({ length: d_model }, (_, i) => {
    const angle = position * 10000 ** (-(i - (i % 2)) / d_model);
    return i % 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

// The model of a config (the fields of ModelConfig, all of them) and its weights by their names in PyTorch.
export function gpt(config, weights) {
  const { d_model, n_heads, n_layers } = config;
  const d_head = d_model / n_heads;
  const sharing = n_heads / (config.n_key_value_heads ?? n_heads);
  const project = (x, name) => linearLayer(x, weights[`${name}.weight`], weights[`${name}.bias`]);
  const norm = (x, name) => normalize(x, { kind: config.normalization, epsilon: config.norm_epsilon,
    weight: weights[`${name}.weight`], bias: weights[`${name}.bias`] });
  const embeddingRow = (table, row) => weights[`${table}.weight`].subarray(row * d_model, (row + 1) * d_model);

  function embed(id, position) {
    let x = embeddingRow("embedding", id);
    if (config.positions === "learned") x = addVectors(x, embeddingRow("position_embedding", position));
    if (config.positions === "sinusoidal") x = addVectors(x, sinusoidal(position, d_model));
    return config.embedding_norm ? norm(x, "embedding_norm") : x;
  }

  // Queries, keys and values of the heads: lists of vectors of d_head numbers.
  function heads(x, position, name) {
    let [query, key, value] = ["query", "key", "value"].map((part) => splitVector(project(x, `${name}.${part}`), d_head));
    if (config.query_key_norm) {
      query = query.map((one) => normalize(one).map((number) => QUERY_GAIN * number));
      key = key.map((one) => normalize(one));
    }
    if (config.positions === "rotary") [query, key] = [query, key].map((all) => all.map((one) => rotate(one, position, config.rotary_base)));
    return { query, key, value };
  }

  // Self-attention of one position: each head mixes the values of the positions that it may see.
  function attend(query, cache, n_visible) {
    return query.map((one, head) => {
      const shared = Math.floor(head / sharing);
      const scores = new Float64Array(n_visible);
      for (let place = 0; place < n_visible; place++) {
        const key = cache[place].key[shared];
        let sum = 0;
        for (let i = 0; i < d_head; i++) sum += one[i] * key[i];
        scores[place] = sum / Math.sqrt(d_head);
      }
      const attention = softmax(scores);
      const output = new Float32Array(d_head);
      for (let place = 0; place < n_visible; place++) {
        const value = cache[place].value[shared];
        for (let i = 0; i < d_head; i++) output[i] += attention[place] * value[i];
      }
      return { scores, weights: attention, output };
    });
  }

  function feedForward(x, name) {
    const act = ACTIVATIONS[config.activation];
    const up = project(x, `${name}.up_proj`);
    const before_activation = config.activation === "swiglu" ? project(x, `${name}.gate_proj`) : up;
    const hidden = before_activation.map(config.activation === "swiglu" ? (number, i) => act(number) * up[i] : act);
    return { before_activation, hidden, output: project(hidden, `${name}.down_proj`) };
  }

  const before = (x, name) => (config.norm === "pre" ? norm(x, name) : x);
  const after = (x, name) => (config.norm === "pre" ? x : norm(x, name));

  // One block on several new positions. The cache holds the keys and values of all earlier ones, and takes the new.
  function block(layer, streams, cache, { causal, ablated }) {
    const name = `blocks.${layer}`;
    const start = cache.length;
    const inputs = streams.map((x) => before(x, `${name}.attention_norm`));
    const queries = inputs.map((x, i) => {
      const { query, key, value } = heads(x, start + i, `${name}.attention`);
      cache.push({ key, value });
      return query;
    });
    return streams.map((residual_before, i) => {
      const found = attend(queries[i], cache, causal ? start + i + 1 : cache.length);
      const merged = Float32Array.from(found.flatMap(({ output }, head) => [...(ablated.has(`${layer},${head}`) ? output.fill(0) : output)]));
      const attention_output = project(merged, `${name}.attention.output`);
      const residual_middle = after(addVectors(residual_before, attention_output), `${name}.attention_norm`);
      const feed_forward_input = before(residual_middle, `${name}.feed_forward_norm`);
      const { before_activation, hidden, output } = feedForward(feed_forward_input, `${name}.feed_forward`);
      const residual_after = after(addVectors(residual_middle, output), `${name}.feed_forward_norm`);
      return { residual_before, attention_input: inputs[i], query: queries[i], ...cache[start + i], heads: found, attention_output,
        residual_middle, feed_forward_input, before_activation, hidden, feed_forward_output: output, residual_after };
    });
  }

  const final = (x) => (config.norm === "pre" ? norm(x, "final_norm") : x);
  const unembedding = weights[config.unembedding === "tied" ? "embedding.weight" : "unembedding.weight"];

  return {
    config,
    embed,
    weights,
    newCache: () => Array.from({ length: n_layers }, () => []),
    // Logits of a residual stream after any layer (the logit lens).
    unembed: (x) => linearLayer(final(x), unembedding),
    // Read new token ids: of each position its embedding, what each block computes, and the logits of the next token.
    read(ids, { cache = this.newCache(), causal = true, ablated = [], logitsOf = "all" } = {}) {
      const options = { causal, ablated: new Set(ablated.map(String)) };
      const start = cache[0].length;
      if (start + ids.length > config.context_length) {
        throw new RangeError(`This model sees ${config.context_length} tokens at once; the text has ${start + ids.length}.`);
      }
      const embeddings = ids.map((id, i) => embed(id, start + i));
      const layers = [];
      let streams = embeddings;
      for (let layer = 0; layer < n_layers; layer++) {
        layers.push(block(layer, streams, cache[layer], options));
        streams = layers[layer].map(({ residual_after }) => residual_after);
      }
      return ids.map((id, i) => ({ id, embedding: embeddings[i], layers: layers.map((all) => all[i]),
        logits: logitsOf === "all" || i === ids.length - 1 ? linearLayer(final(streams[i]), unembedding) : null }));
    },
  };
}

// A model as a page holds it: {config, weights: {name: packed float32, or {rows: packed int8, scales: packed float32}}}.
export function unpackModel({ config, weights }) {
  const numbers = ({ rows, scales, ...packed }) => {
    if (!rows) return unpack(packed);
    const [whole, factors] = [unpack(rows), unpack(scales)];
    const width = whole.length / factors.length;
    return Float32Array.from(whole, (number, at) => number * factors[Math.floor(at / width)]);
  };
  return gpt(config, Object.fromEntries(Object.entries(weights).map(([name, packed]) => [name, numbers(packed)])));
}
