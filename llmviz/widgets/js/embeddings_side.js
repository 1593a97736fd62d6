// What stands beside the picture of the EmbeddingExplorer: lists of words with their cosines, the legend, the meters.
import { h, svg } from "./base.js";
import { colorOf, SHAPES } from "./embeddings_draw.js";

const LONGEST_LIST = 8;
const QUIET = { "data-lm-suppress-shortcuts": "true" };

// One line: near in the map? · word · bar · cosine; Enter looks at the word.
function listLine(space, { word, cosine }, { mark, title, struck = false, choose }) {
  const length = `${Math.max(0, Math.min(1, cosine)) * 100}%`;
  return h("li", {}, h("button", { type: "button", title, ...QUIET, onclick: () => choose(word) },
    h("span", { role: "img", "aria-label": title }, mark), h("bdi", { class: struck ? "name asked" : "name" }, space.labels[word]),
    h("span", {}, h("span", { class: "bar", style: { display: "block", width: length } })),
    h("span", { class: "cosine" }, cosine.toFixed(2))));
}

// The true neighbors of a word: ● those that are near in the map too, ○ those that are not; ① ② if it is pinned.
export function neighborCard({ space, word, index, pin, near, choose }) {
  const lines = near.slice(0, LONGEST_LIST).map((one) => listLine(space, one, one.seen
    ? { mark: "●", title: "near in the map, too", choose } : { mark: "○", title: "not near in the map", choose }));
  const kept = near.filter((one) => one.seen).length;
  return h("div", { class: `card pin${index + 1}` }, h("p", { class: "head" }, pin < 0 ? "" : `${"①②"[pin]} `, "nearest to ", h("bdi", {}, `“${space.labels[word]}”`)),
    h("ol", {}, ...lines), h("p", { class: "hint" },
      `In all ${space.d} dimensions. Of ${near.length} neighbors the picture keeps ${kept} near (●), the others not (○).`));
}

// Where the walk of an analogy lands: the nearest words, those of the question struck out if they are left out.
export function analogyCard({ space, analogy, ranked, answer, excluded, choose }) {
  const lines = ranked.slice(0, 5 + (excluded ? 3 : 0)).map((one) => {
    if (excluded && analogy.includes(one.word)) return listLine(space, one, { mark: "–", title: "struck: a word of the question", struck: true, choose });
    const isAnswer = one.word === answer;
    return listLine(space, one, { mark: isAnswer ? "★" : "·", title: isAnswer ? "the answer" : "further down", choose });
  });
  const [a, b, c] = analogy.map((word) => `“${space.labels[word]}”`);
  return h("div", { class: "card pin1" }, h("p", { class: "head" }, h("bdi", {}, `${b} − ${a} + ${c}`)), h("ol", {}, ...lines),
    h("p", { class: "hint" }, "Solid: the difference of the first two. Dashed: the same difference from the third word."));
}

export function legendEntry(name, group) {
  const shape = SHAPES[group];
  const look = { fill: colorOf(group), stroke: "currentColor", "stroke-width": 0.8 };
  const mark = shape ? svg("polygon", { points: shape.map(([x, y]) => `${7 + x * 4.5},${7 + y * 4.5}`).join(" "), ...look })
    : svg("circle", { cx: 7, cy: 7, r: 4.5, ...look });
  return h("span", {}, svg("svg", { viewBox: "0 0 14 14", "aria-hidden": "true" }, mark), h("bdi", {}, name));
}

export function meterOf(name, share) {
  const percent = `${Math.round(100 * share)} %`;
  return h("span", { class: "meter" }, `${name}: ${percent}`,
    h("span", { class: "rail", "aria-hidden": "true" }, h("span", { class: "full", style: { display: "block", width: percent.replace(" ", "") } })));
}
