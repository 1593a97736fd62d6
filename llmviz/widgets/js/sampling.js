// Temperature, top-k and top-p, and drawing a token: the only copy of the widgets.
// A distribution: {logs, counts}, sorted; `counts` tokens share each log-probability.

// The share of each entry after the temperature, and how many of its tokens the cuts leave in the draw. 0 = no cut.
export function filteredProbabilities({ logs, counts }, { temperature, top_k, top_p }) {
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
export function sampledRank(node, setting, point) {
  const { masses, kept, total } = filteredProbabilities(node, setting);
  const wanted = point * total;
  let [edge, rank, last] = [0, 0, null];
  for (let at = 0; at < kept.length; at++) {
    const mass = (masses[at] / node.counts[at]) * kept[at];
    if (mass > 0) {
      const inside = Math.max(0, Math.floor(((wanted - edge) / mass) * kept[at]));
      last = rank + Math.min(inside, kept[at] - 1);
      if (wanted < edge + mass) break;
    }
    edge += mass;
    rank += node.counts[at];
  }
  return last;
}
