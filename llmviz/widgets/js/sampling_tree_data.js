// The tree of what may be written: how a token is drawn, and the ways that the dice take under a setting.
import { unpack } from "./base.js";

export function readTree(payload) {
  const [named, logs, counts, edges] = ["named", "log_probabilities", "counts", "edges"].map((name) => unpack(payload[name]));
  let [nextNamed, nextEntry] = [0, 0];
  const forks = payload.n_named.map((nNamed, place) => {
    const fork = {
      named: named.subarray(nextNamed, nextNamed + nNamed), children: new Map(),
      logs: logs.subarray(nextEntry, nextEntry + payload.n_entries[place]),
      counts: counts.subarray(nextEntry, nextEntry + payload.n_entries[place]),
    };
    nextNamed += nNamed;
    nextEntry += payload.n_entries[place];
    return fork;
  });
  for (let at = 0; at < edges.length; at += 4) {
    const [from, rank, token, to] = edges.subarray(at, at + 4);
    forks[from].children.set(rank, { token, to });
  }
  return { ...payload, forks };
}

// The share of each entry after the temperature, and how many of its tokens the cuts leave in the draw. 0 = no cut.
export function sharesOf({ logs, counts }, { temperature, top_k, top_p }) {
  const masses = new Float64Array(logs.length);
  if (temperature === 0) masses[0] = 1;
  else {
    let sum = 0;
    for (let at = 0; at < logs.length; at++) sum += masses[at] = counts[at] * Math.exp((logs[at] - logs[0]) / temperature);
    for (let at = 0; at < logs.length; at++) masses[at] /= sum;
  }
  const kept = Float64Array.from(counts);
  let [place, before, total] = [0, 0, 0];
  for (let at = 0; at < logs.length; at++) {
    const each = masses[at] / counts[at];
    if (top_k) kept[at] = Math.min(kept[at], Math.max(0, top_k - place));
    if (top_p) {
      const room = each > 0 ? Math.ceil((top_p - before) / each - 1e-9) : 0;
      kept[at] = Math.min(kept[at], Math.max(at ? 0 : 1, room));
    }
    place += counts[at];
    before += masses[at];
    total += each * kept[at];
  }
  return { masses, kept, total };
}

// The rank of the token on which a point from 0 to 1 falls, when the kept ones are laid end to end.
export function drawRank(fork, setting, point) {
  const { masses, kept, total } = sharesOf(fork, setting);
  const wanted = point * total;
  let [edge, rank, last] = [0, 0, null];
  for (let at = 0; at < kept.length; at++) {
    const mass = (masses[at] / fork.counts[at]) * kept[at];
    if (mass > 0) {
      const inside = Math.max(0, Math.floor(((wanted - edge) / mass) * kept[at]));
      last = rank + Math.min(inside, kept[at] - 1);
      if (wanted < edge + mass) break;
    }
    edge += mass;
    rank += fork.counts[at];
  }
  return last;
}

const entryOf = ({ counts }, rank) => {
  let at = 0;
  for (let seen = counts[0]; seen <= rank; seen += counts[++at]);
  return at;
};
// The model's own probability of a token, before any setting.
export const ownProbability = (fork, rank) => Math.exp(fork.logs[entryOf(fork, rank)]);

// One step from a fork: the token at a rank, or a token that this page does not know.
const step = (tree, place, rank) => {
  const fork = tree.forks[place];
  const { token, to } = fork.children.get(rank) ?? { token: rank < fork.named.length ? fork.named[rank] : null, to: null };
  return { place, rank, token, to, own: ownProbability(fork, rank) };
};

// A way through the tree: choose(fork, step) gives ranks. It ends at the end of a text, or where the page knows no more.
function wayOf(tree, length, choose) {
  const way = [];
  for (let place = 0; way.length < length; ) {
    const rank = choose(tree.forks[place], way.length);
    if (rank === null) break;
    way.push(step(tree, place, rank));
    const { to, token } = way.at(-1);
    if (to === -1) break;
    if (to === null) {
      if (token === null || way.length < length) way.push({ place: null, rank: 0, token: null, to: null, own: 0, unknown: true });
      break;
    }
    place = to;
  }
  return way;
}

// All texts under a setting: the drawn ones, and the two that no dice decide.
export function waysOf(tree, setting, length) {
  const rankOf = (fork, token) => [...fork.children].find(([, child]) => child.token === token)?.[0] ?? null;
  const ways = [
    { name: "greedy", steps: wayOf(tree, length, () => 0) },
    { name: "beam", steps: wayOf(tree, Math.min(length, tree.beam.length), (fork, at) => rankOf(fork, tree.beam[at])) },
  ];
  tree.dice.forEach((points, text) => {
    ways.push({ name: String(text + 1), steps: wayOf(tree, length, (fork, at) => drawRank(fork, setting, points[at])) });
  });
  return ways;
}

// Boxes: one for each different beginning, with its row; ends stand one below the other, forks between their branches.
export function layOut(ways) {
  const boxes = new Map();
  ways.forEach(({ name, steps }) => {
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

// The bars of one fork: each of the first tokens, then all others together.
export function barsOf(tree, place, setting, chosen, n) {
  const fork = tree.forks[place];
  const { masses, kept, total } = sharesOf(fork, setting);
  const nShown = Math.min(n, fork.named.length);
  const rows = [];
  for (let rank = 0; rank < nShown; rank++) {
    rows.push({ rank, token: fork.named[rank], before: masses[rank], after: kept[rank] ? masses[rank] / total : 0, kept: kept[rank] > 0, chosen: rank === chosen });
  }
  const others = { n: 0, n_kept: 0, before: 0, after: 0, chosen: chosen >= nShown };
  for (let at = nShown; at < masses.length; at++) {
    others.n += fork.counts[at];
    others.n_kept += kept[at];
    others.before += masses[at];
    others.after += ((masses[at] / fork.counts[at]) * kept[at]) / total;
  }
  return { rows, others, kept: total, n_kept: kept.reduce((sum, x) => sum + x, 0) };
}
