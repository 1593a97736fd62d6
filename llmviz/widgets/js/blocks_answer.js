// What the block explorer shows of a text of one's own, in a page that holds the model whose block it is.
import { unpack } from "./base.js";
import { unpackModel } from "./model.js";
import { bytePairTokenizer } from "./tokenizer.js";

const MOST_TOKENS = 24;
const MATRICES = { value: "attention.value", output: "attention.output", up_proj: "feed_forward.up_proj", down_proj: "feed_forward.down_proj" };

// Whether the block's matrices are those of this layer of a packed model, up to its eight bits.
export function fitsBlock({ weights }, { payload }) {
  return Object.entries(MATRICES).every(([name, part]) => {
    const [packed, { largest, numbers }] = [weights[`blocks.${payload.layer}.${part}.weight`], payload.matrices[name]];
    const mine = unpack(numbers);
    const [rows, scales] = packed ? [unpack(packed.rows), unpack(packed.scales)] : [[], []];
    return rows.length === mine.length && mine.every((number, at) => {
      const scale = scales[Math.floor((at * scales.length) / rows.length)];
      return at % 97 || Math.abs(rows[at] * scale - (number * largest) / 32767) <= 0.51 * scale + (33 * largest) / 32767;
    });
  });
}

export const openBlock = (packed, first) =>
  ({ gpt: unpackModel(packed), tokenizer: bytePairTokenizer(packed.merges), labels: packed.labels, first });

const shaped = (numbers, ...shape) => Object.assign(Float32Array.from(numbers), { shape });
const stageRows = (reads, of) => shaped(reads.flatMap((read) => [...of(read)]), reads.length, of(reads[0]).length);
const mergedHeads = (vectors) => vectors.flatMap((vector) => [...vector]);

export function blockAnswer({ gpt, tokenizer, labels, first }, name, get) {
  const { layer, matrices } = first.payload;
  const text = get("text");
  if (!text.trim()) return { payload: first.payload, place: first.place, path: [] };
  const ids = [tokenizer.endOfText, ...tokenizer.encode(text)];
  if (ids.length > MOST_TOKENS) throw new RangeError(`at most ${MOST_TOKENS} tokens can be shown; this text has ${ids.length}, with the one that begins a text.`);
  const reads = gpt.read(ids).map(({ layers }) => layers[layer]);
  const parts = {
    before: "residual_before", attention_input: "attention_input", attention: "attention_output", middle: "residual_middle",
    feed_forward_input: "feed_forward_input", hidden: "hidden", feed_forward: "feed_forward_output", after: "residual_after",
  };
  const numbers = Object.fromEntries(Object.entries(parts).map(([stage, part]) => [stage, stageRows(reads, (read) => read[part])]));
  for (const part of ["query", "key", "value"]) numbers[part] = stageRows(reads, (read) => mergedHeads(read[part]));
  numbers.heads = stageRows(reads, ({ heads }) => mergedHeads(heads.map(({ output }) => output)));
  const { n_heads } = gpt.config;
  const n = ids.length;
  const weights = shaped(Array.from({ length: n_heads }, (_, head) =>
    reads.flatMap(({ heads }) => Array.from({ length: n }, (_, key) => heads[head].weights[key] ?? 0))).flat(), n_heads, n, n);
  const last = reads.at(-1).residual_after;
  const index = last.reduce((most, number, at) => (Math.abs(number) > Math.abs(last[most]) ? at : most), 0);
  const own = Object.fromEntries(Object.keys(matrices).map((matrix) =>
    [matrix, { largest: 32767, numbers: gpt.weights[`blocks.${layer}.${MATRICES[matrix]}.weight`] }]));
  return { path: [], payload: { ...first.payload, labels: ids.map((id) => labels[id]), numbers, weights, matrices: own },
    place: { stage: "after", position: n - 1, index } };
}
