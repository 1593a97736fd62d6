// The sentences and tables of the attention explorer.
import { columnOf, largest, rowOf } from "./attention_data.js";
import { signed } from "./base.js";

export const headName = (layer, head) => `layer ${layer}, head ${head}`;
export const quoted = (data, position) => `“${data.labels[position]}” (position ${position})`;
export const shownWeight = (data, number) =>
  data.isDifference ? signed(number, data.digits) : number.toFixed(data.digits);

const list = (data, row, keys) => keys.map((key) => `“${data.labels[key]}” ${shownWeight(data, row[key])}`).join(", ");

// What one target says: a cell, a token that looks, a token that is looked at.
export function targetSentence(data, { layer, head, query, key }) {
  const change = data.isDifference;
  if (query == null && key == null) query = data.n - 1;
  if (query != null && key != null) {
    if (!data.allowed(query, key)) return `${quoted(data, query)} may not look at ${quoted(data, key)}: the mask hides it.`;
    const weight = shownWeight(data, data.weight(layer, head, query, key));
    return change
      ? `How much ${quoted(data, query)} looks at ${quoted(data, key)} changes by ${weight}.`
      : `${quoted(data, query)} looks at ${quoted(data, key)}: ${weight}.`;
  }
  if (query != null) {
    const row = rowOf(data, layer, head, query);
    const keys = largest(row, 3);
    if (!keys.length) return `${quoted(data, query)}: ${change ? "nothing changes" : "it may look at nothing"}.`;
    return `${quoted(data, query)} ${change ? "changes its look" : "looks"} most at ${list(data, row, keys)}.`;
  }
  const column = columnOf(data, layer, head, key);
  const queries = largest(column, 3);
  if (!queries.length) return `${quoted(data, key)}: ${change ? "nothing changes" : "no token looks at it"}.`;
  return `${quoted(data, key)} is looked at ${change ? "differently" : "most"} by ${list(data, column, queries)}.`;
}

// What the chosen head does, in one sentence.
export function headSentence(data, layer, head, scores) {
  const roles = Object.entries(scores ?? {}).map(([name, of]) => `${name} ${of[layer][head].toFixed(2)}`);
  const name = `Layer ${layer}, head ${head}${roles.length ? ` (${roles.join(", ")})` : ""}.`;
  return `${name} ${targetSentence(data, { layer, head, query: data.n - 1, key: null })}`;
}

// The whole sentence: what is pointed at, or the pins; two pins are compared.
export function wholeSentence(views, state) {
  const data = views[state.view];
  const told = (pin) => {
    const pinned = views[pin.view] ?? data;
    return `In ${headName(pin.layer, pin.head)}${pin.view === state.view ? "" : ` (${state.names[pin.view]})`}, ${targetSentence(pinned, pin)}`;
  };
  const { target, pins } = state;
  if (target) return `${target.layer === state.layer && target.head === state.head ? "" : `Layer ${target.layer}, head ${target.head}. `}${targetSentence(data, target)}`;
  if (pins.length === 1) return `Pinned. ${told(pins[0])}`;
  if (pins.length === 2) return `1: ${told(pins[0])} 2: ${told(pins[1])}${comparison(views, data, pins)}`;
  return headSentence(data, state.layer, state.head, state.scores);
}

function comparison(views, data, pins) {
  if (!pins.every((pin) => pin.query != null && pin.key != null)) return "";
  const [first, second] = pins.map((pin) => (views[pin.view] ?? data).weight(pin.layer, pin.head, pin.query, pin.key));
  return ` From 1 to 2: ${signed(second - first, data.digits)}.`;
}

// The cell that the code line and the steps speak of: the target's, or its strongest.
export function cellOf(data, { layer, head, query, key }) {
  if (query == null && key == null) query = data.n - 1;
  if (key == null) key = largest(rowOf(data, layer, head, query), 1)[0] ?? 0;
  if (query == null) query = largest(columnOf(data, layer, head, key), 1)[0] ?? data.n - 1;
  return { layer, head, query, key };
}

export function codeLine(template, data, target) {
  const cell = cellOf(data, target);
  const number = shownWeight(data, data.weight(cell.layer, cell.head, cell.query, cell.key));
  return `${template.replace(/\{(layer|head|query|key)\}/g, (_, name) => cell[name])}  # ${number}`;
}

// The accessible twin: where each token looks most; as CSV all weights of the head.
export function headTable(data, layer, head) {
  const rows = data.labels.map((label, query) => {
    const row = rowOf(data, layer, head, query);
    const named = largest(row, 3).map((key) => `${data.labels[key]} ${shownWeight(data, row[key])}`);
    return [`${query} ${label}`, ...named, ...Array(3 - named.length).fill("")];
  });
  const what = data.isDifference ? ["token", "changes most at", "then at", "then at"] : ["token", "looks most at", "then at", "then at"];
  return {
    caption: `Layer ${layer}, head ${head}: where each token looks`, columns: what, rows,
    get csv() {
      return {
        columns: ["query", ...data.labels.map((label, key) => `${key} ${label}`)],
        rows: data.labels.map((label, query) => [`${query} ${label}`, ...rowOf(data, layer, head, query).map((number) => number.toFixed(data.digits + 1))]),
      };
    },
  };
}
