// Training a GPT in plain JavaScript: the forward pass, its gradients (backpropagation), AdamW, batches, samples.
// The model is that of llmviz.model.DecoderOnly with its default choices. A matrix is one Float32Array, row after row;
// a weight is stored as in PyTorch (d_out rows of d_in numbers) and has its name there. Nothing outside is used, so that
// `TRAINING_FUNCTIONS` can be sent to a worker as text (see page_training.js).

// y = x Wᵀ for n rows x.
export function multiplyRows(x, weight, n, dIn) {
  const dOut = weight.length / dIn;
  const y = new Float32Array(n * dOut);
  for (let out = 0; out < dOut; out++) {
    for (let row = 0; row < n; row++) {
      let sum = 0;
      for (let i = 0, a = row * dIn, b = out * dIn; i < dIn; i++) sum += x[a + i] * weight[b + i];
      y[row * dOut + out] = sum;
    }
  }
  return y;
}

// From the gradient of y = x Wᵀ: adds that of W to `weightGradient`, returns that of x.
export function multiplyRowsBack(yGradient, x, weight, weightGradient, n, dIn) {
  const dOut = weight.length / dIn;
  const xGradient = new Float32Array(n * dIn);
  for (let row = 0; row < n; row++) {
    for (let out = 0; out < dOut; out++) {
      const g = yGradient[row * dOut + out];
      if (g === 0) continue;
      for (let i = 0, a = row * dIn, b = out * dIn; i < dIn; i++) {
        xGradient[a + i] += g * weight[b + i];
        weightGradient[b + i] += g * x[a + i];
      }
    }
  }
  return xGradient;
}

// Layer normalization of each row of d numbers, times `gain`; `scales` are kept for the way back.
export function normalizeRows(x, d, epsilon, gain = 1) {
  const [y, scales] = [new Float32Array(x.length), new Float32Array(x.length / d)];
  for (let row = 0; row < scales.length; row++) {
    let [mean, square] = [0, 0];
    for (let i = row * d; i < (row + 1) * d; i++) mean += x[i] / d;
    for (let i = row * d; i < (row + 1) * d; i++) square += (x[i] - mean) ** 2 / d;
    scales[row] = 1 / Math.sqrt(square + epsilon);
    for (let i = row * d; i < (row + 1) * d; i++) y[i] = (x[i] - mean) * scales[row] * gain;
  }
  return { y, scales, d, gain };
}

export function normalizeRowsBack(yGradient, { y, scales, d, gain }) {
  const xGradient = new Float32Array(y.length);
  for (let row = 0; row < scales.length; row++) {
    let [mean, along] = [0, 0];
    for (let i = row * d; i < (row + 1) * d; i++) {
      mean += yGradient[i] / d;
      along += (yGradient[i] * y[i]) / (gain * d);
    }
    for (let i = row * d; i < (row + 1) * d; i++) xGradient[i] = scales[row] * gain * (yGradient[i] - mean - (y[i] / gain) * along);
  }
  return xGradient;
}

// Rotary positions, in place: turn each pair (i, i + d_head / 2) by its angle; with direction -1 back again.
export function rotateRows(x, { d_model, n_heads, rotary_base }, length, direction = 1) {
  const half = d_model / n_heads / 2;
  for (let position = 0; position < length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = direction * position * rotary_base ** (-i / half);
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      for (let row = position; row < x.length / d_model; row += length) {
        for (let head = 0; head < n_heads; head++) {
          const at = row * d_model + head * 2 * half + i;
          const [one, other] = [x[at], x[at + half]];
          x[at] = one * cos - other * sin;
          x[at + half] = other * cos + one * sin;
        }
      }
    }
  }
  return x;
}

// Causal self-attention: each position mixes the values up to its own. `shares`: the attention weights.
export function attendRows(query, key, value, { d_model, n_heads }, length) {
  const [n, d] = [query.length / d_model, d_model / n_heads];
  const [mixed, shares] = [new Float32Array(query.length), new Float32Array(n * n_heads * length)];
  for (let row = 0; row < n; row++) {
    const first = row - (row % length);
    for (let head = 0; head < n_heads; head++) {
      const [q, s] = [row * d_model + head * d, (row * n_heads + head) * length];
      let [top, total] = [-Infinity, 0];
      for (let place = first; place <= row; place++) {
        let score = 0;
        for (let i = 0, k = place * d_model + head * d; i < d; i++) score += query[q + i] * key[k + i];
        shares[s + place - first] = score /= Math.sqrt(d);
        if (score > top) top = score;
      }
      for (let j = s; j <= s + row - first; j++) total += shares[j] = Math.exp(shares[j] - top);
      for (let place = first; place <= row; place++) {
        const share = (shares[s + place - first] /= total);
        for (let i = 0, k = place * d_model + head * d; i < d; i++) mixed[q + i] += share * value[k + i];
      }
    }
  }
  return { mixed, shares };
}

export function attendRowsBack(gradient, { query, key, value, shares }, { d_model, n_heads }, length) {
  const [n, d] = [query.length / d_model, d_model / n_heads];
  const [queries, keys, values] = [0, 0, 0].map(() => new Float32Array(query.length));
  const back = new Float32Array(length);
  for (let row = 0; row < n; row++) {
    const first = row - (row % length);
    for (let head = 0; head < n_heads; head++) {
      const [q, s] = [row * d_model + head * d, (row * n_heads + head) * length];
      let mean = 0;
      for (let place = first; place <= row; place++) {
        const share = shares[s + place - first];
        let sum = 0;
        for (let i = 0, k = place * d_model + head * d; i < d; i++) {
          sum += gradient[q + i] * value[k + i];
          values[k + i] += share * gradient[q + i];
        }
        back[place - first] = sum;
        mean += share * sum;
      }
      for (let place = first; place <= row; place++) { // through the softmax
        const score = (shares[s + place - first] * (back[place - first] - mean)) / Math.sqrt(d);
        for (let i = 0, k = place * d_model + head * d; i < d; i++) {
          queries[q + i] += score * key[k + i];
          keys[k + i] += score * query[q + i];
        }
      }
    }
  }
  return { queries, keys, values };
}

// Read windows of `length` tokens, one after the other in `ids`: the logits of all, and what the way back needs.
export function forwardPass(config, weights, ids, length) {
  const { d_model, n_layers, norm_epsilon } = config;
  const [n, d_head] = [ids.length, d_model / config.n_heads];
  const embedded = new Float32Array(n * d_model);
  ids.forEach((id, row) => embedded.set(weights["embedding.weight"].subarray(id * d_model, (id + 1) * d_model), row * d_model));
  const first = normalizeRows(embedded, d_model, norm_epsilon);
  const stream = first.y.slice();
  const blocks = [];
  for (let layer = 0; layer < n_layers; layer++) {
    const of = (name) => weights[`blocks.${layer}.${name}.weight`];
    const before = normalizeRows(stream, d_model, norm_epsilon);
    const [queries, keys] = ["query", "key"].map((name) =>
      normalizeRows(multiplyRows(before.y, of(`attention.${name}`), n, d_model), d_head, 1e-5, name === "query" ? 2.5 : 1));
    const [query, key] = [queries, keys].map(({ y }) => rotateRows(y.slice(), config, length));
    const value = multiplyRows(before.y, of("attention.value"), n, d_model);
    const { mixed, shares } = attendRows(query, key, value, config, length);
    multiplyRows(mixed, of("attention.output"), n, d_model).forEach((number, i) => { stream[i] += number; });
    const middle = normalizeRows(stream, d_model, norm_epsilon);
    const up = multiplyRows(middle.y, of("feed_forward.up_proj"), n, d_model);
    const hidden = up.map((number) => Math.max(0, number) ** 2);
    multiplyRows(hidden, of("feed_forward.down_proj"), n, config.d_ff).forEach((number, i) => { stream[i] += number; });
    blocks.push({ before, queries, keys, query, key, value, mixed, shares, middle, up, hidden });
  }
  const last = normalizeRows(stream, d_model, norm_epsilon);
  return { first, blocks, last, logits: multiplyRows(last.y, weights["unembedding.weight"], n, d_model) };
}

// The mean cross-entropy in nats, and its gradient: softmax minus 1 at the token that came, divided by their number.
export function crossEntropy(logits, targets) {
  const width = logits.length / targets.length;
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  targets.forEach((target, row) => {
    const at = row * width;
    let [top, total] = [-Infinity, 0];
    for (let i = at; i < at + width; i++) if (logits[i] > top) top = logits[i];
    for (let i = at; i < at + width; i++) total += gradient[i] = Math.exp(logits[i] - top);
    for (let i = at; i < at + width; i++) gradient[i] /= total * targets.length;
    gradient[at + target] -= 1 / targets.length;
    loss += (Math.log(total) + top - logits[at + target]) / targets.length;
  });
  return { loss, gradient };
}

// The loss of windows and the gradient of each weight: the same steps as forwardPass, backward.
export function lossAndGradients(config, weights, ids, targets, length) {
  const { d_model, n_layers } = config;
  const n = ids.length;
  const gradients = Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, new Float32Array(weight.length)]));
  const { first, blocks, last, logits } = forwardPass(config, weights, ids, length);
  const { loss, gradient } = crossEntropy(logits, targets);
  const back = (given, x, name, dIn = d_model) => multiplyRowsBack(given, x, weights[name], gradients[name], n, dIn);
  const add = (sum, more) => more.forEach((number, i) => { sum[i] += number; });
  const stream = normalizeRowsBack(back(gradient, last.y, "unembedding.weight"), last);
  for (let layer = n_layers - 1; layer >= 0; layer--) {
    const of = (name) => `blocks.${layer}.${name}.weight`;
    const block = blocks[layer];
    const hidden = back(stream, block.hidden, of("feed_forward.down_proj"), config.d_ff);
    const up = hidden.map((number, i) => 2 * Math.max(0, block.up[i]) * number);
    add(stream, normalizeRowsBack(back(up, block.middle.y, of("feed_forward.up_proj")), block.middle));
    const { queries, keys, values } = attendRowsBack(back(stream, block.mixed, of("attention.output")), block, config, length);
    const input = back(values, block.before.y, of("attention.value"));
    add(input, back(normalizeRowsBack(rotateRows(queries, config, length, -1), block.queries), block.before.y, of("attention.query")));
    add(input, back(normalizeRowsBack(rotateRows(keys, config, length, -1), block.keys), block.before.y, of("attention.key")));
    add(stream, normalizeRowsBack(input, block.before));
  }
  const embedded = normalizeRowsBack(stream, first);
  ids.forEach((id, row) => {
    for (let i = 0; i < d_model; i++) gradients["embedding.weight"][id * d_model + i] += embedded[row * d_model + i];
  });
  return { loss, gradients };
}

// AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's settings: one step changes the weights in place.
export function adamW(weights, weightDecay = 0) {
  const [means, squares] = [0, 0].map(() => Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, new Float32Array(weight.length)])));
  let step = 0;
  return (gradients, learningRate) => {
    step++;
    for (const [name, weight] of Object.entries(weights)) {
      const [gradient, mean, square] = [gradients[name], means[name], squares[name]];
      for (let i = 0; i < weight.length; i++) {
        mean[i] += 0.1 * (gradient[i] - mean[i]);
        square[i] += 0.001 * (gradient[i] ** 2 - square[i]);
        const size = Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-8;
        weight[i] -= learningRate * (weightDecay * weight[i] + mean[i] / (1 - 0.9 ** step) / size);
      }
    }
  };
}

// Random numbers from 0 to 1 that a seed decides (mulberry32).
export function randomNumbers(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

// The first weights, as DecoderOnly draws them: normal numbers; each part that adds to the stream, and the output, is 0.
export function firstWeights({ vocab_size, d_model, d_ff, n_layers }, random) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const draw = (rows, columns, scale = columns ** -0.5) => Float32Array.from({ length: rows * columns }, () => scale * normal());
  const weights = { "embedding.weight": draw(vocab_size, d_model, 1) };
  for (let layer = 0; layer < n_layers; layer++) {
    for (const name of ["query", "key", "value"]) weights[`blocks.${layer}.attention.${name}.weight`] = draw(d_model, d_model);
    weights[`blocks.${layer}.attention.output.weight`] = new Float32Array(d_model * d_model);
    weights[`blocks.${layer}.feed_forward.up_proj.weight`] = draw(d_ff, d_model);
    weights[`blocks.${layer}.feed_forward.down_proj.weight`] = new Float32Array(d_model * d_ff);
  }
  weights["unembedding.weight"] = new Float32Array(vocab_size * d_model);
  return weights;
}

// A training run on texts: {config, ids, n_steps, batch_size, learning_rate, held_out}. `ids`: texts, an end-of-text
// token (the first id) before each and after the last; `held_out`: the same of texts that are not trained on.
export function gptTraining({ config, ids, n_steps, batch_size, learning_rate, held_out }, seed) {
  const random = randomNumbers(seed);
  const weights = firstWeights(config, random);
  const update = adamW(weights);
  const length = config.context_length;
  const textsOf = (all) => {
    const places = [...all.keys()].filter((place) => all[place] === all[0]);
    return places.slice(1).map((end, i) => all.subarray(places[i], end));
  };
  const texts = textsOf(ids);
  const drawWindow = () => {
    const window = [];
    while (window.length <= length) window.push(...texts[Math.floor(random() * texts.length)]);
    return window.slice(0, length + 1);
  };
  return {
    step: 0,
    // One step: a batch, its loss and gradients, a change of the weights. The rate falls in a line to 0.
    train(factor) {
      const windows = Array.from({ length: batch_size }, drawWindow);
      const [inputs, targets] = [windows.flatMap((one) => one.slice(0, -1)), windows.flatMap((one) => one.slice(1))];
      const { loss, gradients } = lossAndGradients(config, weights, inputs, targets, length);
      update(gradients, factor * learning_rate * (1 - this.step / n_steps));
      this.step++;
      return loss;
    },
    // The loss per token on the texts that are not trained on, each read alone.
    heldOutLoss() {
      let [nats, tokens] = [0, 0];
      for (const text of textsOf(held_out)) {
        const targets = [...text.subarray(1), held_out[0]];
        nats += targets.length * crossEntropy(forwardPass(config, weights, [...text], text.length).logits, targets).loss;
        tokens += targets.length;
      }
      return nats / tokens;
    },
    // A text, drawn token by token with this temperature.
    sample(temperature) {
      const written = [ids[0]];
      while (written.length < length) {
        const logits = forwardPass(config, weights, written, written.length).logits.slice(-config.vocab_size);
        const top = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
        const shares = logits.map((logit) => Math.exp((logit - top) / temperature));
        let point = random() * shares.reduce((sum, share) => sum + share, 0);
        let id = 0;
        while (id < shares.length - 1 && (point -= shares[id]) > 0) id++;
        if (id === ids[0]) break;
        written.push(id);
      }
      return written.slice(1);
    },
  };
}

export const TRAINING_FUNCTIONS = [multiplyRows, multiplyRowsBack, normalizeRows, normalizeRowsBack, rotateRows, attendRows, attendRowsBack,
  forwardPass, crossEntropy, lossAndGradients, adamW, randomNumbers, firstWeights, gptTraining];
