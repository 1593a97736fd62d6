// The tree of sampled texts: which paths the random draws take under a setting.
import { unpack } from "./base.js";
import { sampledRank, filteredProbabilities } from "./sampling.js";

export function readTree(payload) {
  const [named, logs, counts, edges] = ["named", "log_probabilities", "counts", "edges"].map((name) => unpack(payload[name]));
  let [nextNamed, nextEntry] = [0, 0];
  const nodes = payload.n_named.map((nNamed, place) => {
    const node = {
      named: named.subarray(nextNamed, nextNamed + nNamed), children: new Map(), path: [],
      logs: logs.subarray(nextEntry, nextEntry + payload.n_entries[place]),
      counts: counts.subarray(nextEntry, nextEntry + payload.n_entries[place]),
    };
    nextNamed += nNamed;
    nextEntry += payload.n_entries[place];
    return node;
  });
  for (let at = 0; at < edges.length; at += 4) {
    const [from, rank, token, to] = edges.subarray(at, at + 4);
    nodes[from].children.set(rank, { token, to });
    if (to >= 0) nodes[to].path = [...nodes[from].path, token];
  }
  return { ...payload, nodes };
}

const entryOf = ({ counts }, rank) => {
  let at = 0;
  for (let seen = counts[0]; seen <= rank; seen += counts[++at]);
  return at;
};
// The model's own probability of a token, before any setting.
export const ownProbability = (node, rank) => Math.exp(node.logs[entryOf(node, rank)]);

// One step from a node: the token at a rank. What is not recorded grows where the page holds the model; else it stays unknown.
const step = (tree, place, rank) => {
  const node = tree.nodes[place];
  const named = { token: rank < node.named.length ? node.named[rank] : null, to: null };
  const { token, to } = node.children.get(rank) ?? tree.grow?.(place, rank, named.token) ?? named;
  return { place, rank, token, to, own: ownProbability(node, rank) };
};

// A path through the tree: choose(node, step) gives ranks. It ends at the end of a text, or where the page knows no more.
function pathUnder(tree, length, choose) {
  const path = [];
  for (let place = 0; path.length < length; ) {
    const rank = choose(tree.nodes[place], path.length);
    if (rank === null) break;
    path.push(step(tree, place, rank));
    const { to, token } = path.at(-1);
    if (to === -1) break;
    if (to === null) {
      if (token === null || path.length < length) path.push({ place: null, rank: 0, token: null, to: null, own: 0, unknown: true });
      break;
    }
    place = to;
  }
  return path;
}

// All texts under a setting: the sampled ones, greedy and beam.
export function pathsUnder(tree, setting, length) {
  const rankOf = (node, token) => [...node.children].find(([, child]) => child.token === token)?.[0] ?? tree.rankOf?.(node, token) ?? null;
  const paths = [
    { name: "greedy", steps: pathUnder(tree, length, () => 0) },
    { name: "beam", steps: pathUnder(tree, Math.min(length, tree.beam.length), (node, at) => rankOf(node, tree.beam[at])) },
  ];
  tree.draws.forEach((points, text) => {
    paths.push({ name: String(text + 1), steps: pathUnder(tree, length, (node, at) => sampledRank(node, setting, points[at])) });
  });
  return paths;
}

// Boxes: one for each different beginning, with its row; ends stand one below the other, nodes between their branches.
export function layOut(paths) {
  const boxes = new Map();
  paths.forEach(({ name, steps }) => {
    let key = "";
    steps.forEach((one, depth) => {
      const parent = key;
      key += `/${one.unknown ? "…" : one.rank}`;
      if (!boxes.has(key)) boxes.set(key, { ...one, key, parent, depth, names: [], children: [], ends: [] });
      const box = boxes.get(key);
      box.names.push(name);
      if (parent && !boxes.get(parent).children.includes(box)) boxes.get(parent).children.push(box);
      if (depth === steps.length - 1) box.ends.push(name);
    });
  });
  let next = 0;
  const place = (box) => {
    const rows = box.children.map(place);
    if (!rows.length || box.ends.length) rows.push(next++);
    return (box.row = (Math.min(...rows) + Math.max(...rows)) / 2);
  };
  const first = [...boxes.values()].filter((box) => box.depth === 0);
  first.forEach(place);
  return { boxes: [...boxes.values()], n_rows: next };
}

// Multiplications to write these texts one by one, with a cache of keys and values and without.
export function costOf({ token, look }, nPrompt, lengths) {
  let [cached, uncached] = [0, 0];
  for (const length of lengths) {
    for (let at = 0; at < length; at++) {
      const n = nPrompt + at;
      uncached += n * (token + look * n);
      cached += (at ? 1 : n) * (token + look * n);
    }
  }
  return { cached, uncached };
}

// The bars of one node: each of the first tokens, then all others together.
export function barsOf(tree, place, setting, chosen, n) {
  const node = tree.nodes[place];
  const { masses, kept, total } = filteredProbabilities(node, setting);
  const nShown = Math.min(n, node.named.length);
  const rows = [];
  for (let rank = 0; rank < nShown; rank++) {
    rows.push({ rank, token: node.named[rank], before: masses[rank], after: kept[rank] ? masses[rank] / total : 0, kept: kept[rank] > 0, chosen: rank === chosen });
  }
  const others = { n: 0, n_kept: 0, before: 0, after: 0, chosen: chosen >= nShown };
  for (let at = nShown; at < masses.length; at++) {
    others.n += node.counts[at];
    others.n_kept += kept[at];
    others.before += masses[at];
    others.after += ((masses[at] / node.counts[at]) * kept[at]) / total;
  }
  return { rows, others, kept: total, n_kept: kept.reduce((sum, x) => sum + x, 0) };
}
