// What Python's sampling tree answers, in a page that holds the model: other prompts, new draws, and paths not recorded.
import { unpackModel } from "./model.js";
import { readTree } from "./sampling_tree_data.js";
import { bytePairTokenizer, spokenProse } from "./tokenizer.js";

// As in llmviz.generation.sampling_tree: so many tokens have an entry each, all others share bins this wide, in nats.
const [N_NAMED, BIN_NATS, LEAST_LOG] = [20, 0.5, -40];
const WHOLE = 40; // tokens of the greedy and the beam search's text, compared as wholes

export function openTree(packed, first) {
  const tokenizer = bytePairTokenizer(packed.merges);
  const labels = packed.labels.with(tokenizer.endOfText, "end");
  return { gpt: unpackModel(packed), tokenizer, labels, first };
}

const rounded = (number) => Math.round(1000 * number) / 1000;

// The tokens by rank, and their log-probabilities by id.
export function rankedTokens(logits) {
  const top = logits.reduce((most, one) => Math.max(most, one), -Infinity);
  const total = top + Math.log(logits.reduce((sum, one) => sum + Math.exp(one - top), 0));
  const logs = Float64Array.from(logits, (one) => Math.max(LEAST_LOG, one - total));
  return { logs, order: Int32Array.from(logs.keys()).sort((one, other) => logs[other] - logs[one] || one - other) };
}

// The distribution as the tree keeps it: {named, logs, counts}, each bin with the mean of its probabilities.
export function binned({ logs, order }) {
  const bins = new Map();
  for (const id of order.subarray(N_NAMED)) {
    const bin = bins.get(Math.floor(-logs[id] / BIN_NATS)) ?? { n: 0, sum: 0 };
    bins.set(Math.floor(-logs[id] / BIN_NATS), { n: bin.n + 1, sum: bin.sum + Math.exp(logs[id]) });
  }
  const named = order.subarray(0, N_NAMED);
  const shared = [...bins.values()];
  return { named, logs: [...Array.from(named, (id) => rounded(logs[id])), ...shared.map(({ n, sum }) => rounded(Math.log(sum / n)))],
    counts: [...Array.from(named, () => 1), ...shared.map(({ n }) => n)] };
}

// What the model says after the prompt and some more tokens; each beginning is read once.
function readerOf(gpt, start) {
  const known = new Map();
  return function after(path) {
    const key = path.join(",");
    if (!known.has(key)) {
      const cache = path.length ? after(path.slice(0, -1)).cache.map((layer) => [...layer]) : gpt.newCache();
      const [read] = gpt.read(path.length ? path.slice(-1) : start, { cache, logitsOf: "last" }).slice(-1);
      known.set(key, { cache, ...rankedTokens(read.logits) });
    }
    return known.get(key);
  };
}

// Let a tree grow where a path leads on: grow(place, rank) appends the node behind a token, and gives it as a child.
// What was read after one prompt is kept for all its trees, `page.reader`.
export function growTree(page, tree) {
  function after(path) {
    const [now, prompt] = [page(), tree.start.join(",")];
    if (now.reader?.prompt !== prompt) now.reader = { prompt, after: readerOf(now.gpt, tree.start), ways: null };
    return now.reader.after(path);
  }
  const add = (path) => tree.nodes.push({ ...binned(after(path)), children: new Map(), path }) - 1;
  tree.grow = (place, rank, named) => {
    const node = tree.nodes[place];
    const token = named ?? after(node.path).order[rank];
    const path = [...node.path, token];
    const isLast = token === page().tokenizer.endOfText || path.length === tree.n_tokens;
    const child = { token, to: isLast ? -1 : add(path) };
    node.children.set(rank, child);
    tree.labels = page().labels;
    return child;
  };
  tree.rankOf = (node, token) => after(node.path).order.indexOf(token);
  tree.after = after;
  if (!tree.nodes.length) add([]);
  return tree;
}

// Keep the `width` most probable texts, and extend all of them; the best one in the end. As llmviz.generation.beam_search.
export function beamSearch(after, { width, most, end }) {
  let beams = [{ ids: [], score: 0 }];
  let finished = [];
  const best = (all, n) => all.sort((one, other) => other.score - one.score).slice(0, n);
  for (let n = 1; n <= most && beams.length; n++) {
    const longer = best(beams.flatMap(({ ids, score }) => {
      const { order, logs } = after(ids);
      return Array.from(order.subarray(0, 2 * width), (id) => ({ ids: [...ids, id], score: score + logs[id] }));
    }), 2 * width);
    const isDone = ({ ids }) => ids.at(-1) === end || n === most;
    finished = best([...finished, ...longer.slice(0, width).filter(isDone)], width);
    beams = longer.filter((beam) => !isDone(beam)).slice(0, width);
    if (finished.length === width && beams.length && beams[0].score <= finished.at(-1).score) break;
  }
  return finished[0].ids;
}

// The same draws for the same seed: random numbers from 0 to 1 with four decimals (Park and Miller's generator, 1988).
export function uniformDraws(nTexts, nTokens, seed) {
  const prime = 2 ** 31 - 1;
  let state = 1 + ((seed * 16807) % (prime - 1));
  const next = () => (state = (state * 48271) % prime) / prime;
  next();
  return Array.from({ length: nTexts }, () => Array.from({ length: nTokens }, () => Math.floor(1e4 * next()) / 1e4));
}

function wholeSentence({ tokenizer }, { start, after }, greedy, beam, width) {
  const written = (way) => {
    const prompt = start.slice(1);
    const ids = way.filter((id) => id !== tokenizer.endOfText);
    return spokenProse(tokenizer.decode([...prompt, ...ids]).slice(tokenizer.decode(prompt).length), 120);
  };
  if (String(greedy) === String(beam)) return `Greedy and the best of ${width} beams write the same: “${written(greedy)}”.`;
  const nats = (way) => way.reduce((sum, id, n) => sum + rounded(after(way.slice(0, n)).logs[id]), 0);
  const ratio = Math.exp(nats(beam) - nats(greedy));
  return `Greedy writes “${written(greedy)}” The best of ${width} beams writes “${written(beam)}”, as a whole about ${ratio.toFixed(1)} times as probable.`;
}

export function treeAnswer(page, name, get) {
  const { gpt, tokenizer, labels, first } = page;
  const [text, seed] = [get("text"), get("seed")];
  if (text === first.text && seed === first.seed) return { payload: first.payload };
  const { n_tokens, draws, beam_width = 4 } = first.payload;
  const start = [tokenizer.endOfText, ...tokenizer.encode(text)];
  const room = gpt.config.context_length - start.length;
  if (room < n_tokens) {
    throw new RangeError(`This model sees ${gpt.config.context_length} tokens at once; the text has ${start.length} and ${n_tokens} more are to be written: type less.`);
  }
  const none = new Int32Array();
  const payload = { ...first.payload, start, prompt: start.map((id) => labels[id]), labels,
    n_named: [], named: none, n_entries: [], log_probabilities: none, counts: none, edges: none,
    draws: seed === first.seed ? draws : uniformDraws(draws.length, n_tokens, seed) };
  payload.tree = growTree(() => page, readTree(payload));
  const search = (width) => beamSearch(payload.tree.after, { width, most: Math.min(WHOLE, room), end: tokenizer.endOfText });
  const ways = (page.reader.ways ??= [search(1), search(beam_width)]);
  payload.tree.beam = payload.beam = ways[1].slice(0, n_tokens);
  payload.tree.whole = payload.whole = wholeSentence(page, payload.tree, ...ways, beam_width);
  return { payload };
}
