// NextTokenExplorer: the tokens of a text, bars for what may come next, one click to append.
import { frame, h, roving } from "./base.js";
import { softmax, unpackModel } from "./model.js";
import { bytePairTokenizer } from "./tokenizer.js";

const NEXT_CSS = `
.strip { display: flex; flex-wrap: wrap; gap: 3px; margin: 2px 0 10px; }
.chip { display: flex; flex-direction: column; align-items: center; padding: 1px 6px; border: 1px solid var(--line);
  border-radius: 4px; font: 14px/1.3 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; background: var(--faint); }
.chip.added { border: 2px solid var(--accent); }
.chip .id { font-size: 10px; opacity: .75; }
.rows { display: grid; gap: 3px; }
.row { display: grid; grid-template-columns: minmax(90px, 22%) 1fr 4em; gap: 10px; align-items: center; text-align: left;
  padding: 2px 8px; width: 100%; border: 1px solid var(--line); border-radius: 4px; }
.row .name { font: 14px/1.5 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.row .number { text-align: right; font-variant-numeric: tabular-nums; }
.track { position: relative; height: 16px; }
.bar { position: absolute; inset: 0 auto 0 0; background: #0072b2; border-radius: 2px; min-width: 1px; }
.diamond { position: absolute; top: 2px; width: 10px; height: 10px; margin-left: -6px; transform: rotate(45deg);
  border: 2px solid #d55e00; background: var(--paper, Canvas); }
.others { border-style: dashed; opacity: .8; } .others .bar { background: #8a8a8a; }
.key { display: flex; gap: 18px; font-size: 12px; margin: 6px 0 0; align-items: center; }
.key .bar, .key .diamond { position: static; display: inline-block; width: 18px; height: 10px; margin: 0 6px 0 0; vertical-align: -1px; }
.key .diamond { width: 9px; height: 9px; }
`;

export const nodeOf = (payload, path) => payload.nodes[path.join(",")];

// What is left for all tokens that have no bar.
export const othersOf = (rows) => Math.max(0, 1 - rows.reduce((sum, [, probability]) => sum + probability, 0));

// The ids as a line of Python.
export const codeLine = (template, ids, id) => template.replace("{token_ids}", `[${ids.join(", ")}]`).replace("{token_id}", id);

function render({ model, el }) {
  const ui = frame({ model, el, title: "Next-token explorer", css: NEXT_CSS });
  const isLive = Boolean(model.get("is_live"));
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const button = (label, action) => h("button", { type: "button", onclick: action }, label);
  const undo = button("undo", () => set("path", model.get("path").slice(0, -1)));
  const restart = button("start again", () => set("path", []));
  const sampling = [button("sample a token", () => set("samples", model.get("samples") + 1)),
    button("sample to the end", () => set("endings", model.get("endings") + 1))];
  const strip = h("div", { class: "strip", role: "group", "aria-label": "the tokens so far" });
  const rows = h("div", { class: "rows", role: "group", "aria-label": "next tokens: choose one to append it" });
  const key = h("p", { class: "key" }, h("span", {}, h("span", { class: "bar" }), "the model"),
    h("span", {}, h("span", { class: "diamond" }), "exact, from the rules of Tinyville"));
  ui.asks("prompt");
  ui.controls.append(undo, restart, ...(isLive ? sampling : []));
  ui.picture.append(strip, rows, key);

  const label = (id) => model.get("payload").labels[id] ?? "…";
  const chosen = { index: 0, focus: false };
  const append = (index) => {
    const row = nodeOf(model.get("payload"), model.get("path"))?.rows[index];
    if (!row) return;
    chosen.index = 0;
    chosen.focus = true;
    set("path", [...model.get("path"), row[0]]);
  };
  const wander = roving(rows, { columns: () => 1, move: show, pin: append, unpin: () => {
    chosen.focus = true;
    undo.click();
  } });

  function show(index) {
    const [id, probability] = nodeOf(model.get("payload"), model.get("path")).rows[index];
    const { start, code } = model.get("payload");
    ui.code(`${codeLine(code, [...start, ...model.get("path")], id)}  # ${probability.toFixed(3)}`);
  }

  function rowOf([id, probability, exact], index, most) {
    const { has_exact } = model.get("payload");
    const width = (number) => `${(100 * number) / most}%`;
    return h("button", { type: "button", class: "row", "data-index": index, tabindex: index ? -1 : 0, "aria-description": `append it${has_exact ? `; exactly ${exact.toFixed(2)}` : ""}`,
      onclick: () => append(index), onpointerenter: () => show(index) },
      h("span", { class: "name" }, h("bdi", {}, label(id))),
      h("span", { class: "track" }, h("span", { class: "bar", style: { width: width(probability) } }),
        has_exact && exact ? h("span", { class: "diamond", style: { left: width(exact) } }) : null),
      h("span", { class: "number" }, probability.toFixed(2)));
  }

  function drawRows(node) {
    const rest = othersOf(node.rows);
    const most = Math.max(0.05, rest, ...node.rows.flatMap(([, probability, exact]) => [probability, exact])) * 1.04;
    rows.replaceChildren(...node.rows.map((row, index) => rowOf(row, index, most)),
      h("div", { class: "row others" }, h("span", {}, "all others"),
        h("span", { class: "track" }, h("span", { class: "bar", style: { width: `${(100 * rest) / most}%` } })),
        h("span", { class: "number" }, rest.toFixed(2))));
    show(chosen.index);
    if (chosen.focus) wander.focus(chosen.index);
    chosen.focus = false;
  }

  function sentenceOf(node, hasEnded) {
    const { has_exact } = model.get("payload");
    if (hasEnded) return "The end: the model chose the token that ends a text.";
    if (!node) return isLive ? "The model is thinking." : "This page holds no predictions beyond this text: undo, or start again. With Python (make lab) the model goes on.";
    const [[id, probability]] = node.rows;
    const exact = !has_exact ? "" : node.n_exact === null ? " The exact probabilities of a text of your own need Python (make lab)." : node.n_exact ? ` The rules allow ${node.n_exact} token${node.n_exact > 1 ? "s" : ""} here.`
      : " By the rules no text goes on from here; the model answers anyway.";
    return `Most likely next: “${label(id)}” with ${probability.toFixed(2)}.${exact} Click a bar to append its token.`;
  }

  function draw() {
    const payload = model.get("payload");
    const path = model.get("path");
    const node = nodeOf(payload, path);
    const hasEnded = path.at(-1) === payload.end;
    strip.replaceChildren(...[...payload.start, ...path].map((id, place) =>
      h("span", { class: place < payload.start.length ? "chip" : "chip added" }, h("bdi", {}, label(id)), h("span", { class: "id" }, id))));
    undo.disabled = restart.disabled = !path.length;
    for (const one of sampling) one.disabled = hasEnded;
    key.hidden = !payload.has_exact || !node || node.n_exact === null;
    ui.say(sentenceOf(node, hasEnded));
    ui.table(node ? () => ({ caption: "Probability of the next token", columns: ["token", "id", "model", ...(payload.has_exact ? ["exact"] : [])],
      rows: node.rows.map(([id, ...numbers]) => [label(id), id, ...numbers.slice(0, payload.has_exact ? 2 : 1)].map(String)) }) : null);
    if (node) drawRows(node);
    else {
      rows.replaceChildren();
      ui.code("");
    }
  }

  ui.watch(["payload", "path"], draw);
  return ui.destroy;
}

// What answers in a page without Python: model, tokenizer, and what Python has recorded for the first text.
const openNext = (packed, { text, payload }) =>
  ({ gpt: unpackModel(packed), tokenizer: bytePairTokenizer(packed.merges), labels: packed.labels, recorded: { text, payload } });

// The next-token probabilities after some ids.
const nextTokens = ({ gpt }, ids) => softmax(gpt.read(ids, { logitsOf: "last" }).at(-1).logits);

function drawTokens({ gpt, tokenizer }, start, path, count) {
  const ids = [...start, ...path];
  const cache = gpt.newCache();
  let [read] = gpt.read(ids, { cache, logitsOf: "last" }).slice(-1);
  const added = [];
  while (added.length < count && ids.length + added.length < gpt.config.context_length) {
    const probabilities = softmax(read.logits);
    let point = Math.random();
    const id = probabilities.findIndex((probability) => (point -= probability) < 0);
    added.push(id < 0 ? tokenizer.endOfText : id);
    if (added.at(-1) === tokenizer.endOfText || ids.length + added.length === gpt.config.context_length) break;
    [read] = gpt.read([added.at(-1)], { cache });
  }
  return [...path, ...added];
}

// What NextTokenExplorer.answer does in Python, without the exact probabilities.
function nextAnswer(page, name, get) {
  const { tokenizer } = page;
  const { has_exact, code, end } = page.recorded.payload;
  const isFirst = get("text") === page.recorded.text;
  const start = [end, ...tokenizer.encode(get("text"))];
  const before = get("path").filter((id) => page.labels[id] !== undefined);
  const path = name === "text" ? [] : before.at(-1) === end || name === "path" ? before
    : drawTokens(page, start, before, name === "samples" ? 1 : Infinity);
  const key = path.join(",");
  const node = (isFirst && page.recorded.payload.nodes[key]) || (path.at(-1) === end ? null : nodeFor(page, [...start, ...path], has_exact));
  const ids = [...start, ...path, ...(node?.rows ?? []).map(([id]) => id)];
  const labels = Object.fromEntries(ids.map((id) => [id, page.labels[id]]));
  const known = isFirst ? page.recorded.payload.labels : {};
  return { path, payload: { start, end, has_exact, code, labels: { ...labels, ...known }, nodes: node ? { [key]: node } : {} } };
}

function nodeFor(page, ids, has_exact) {
  const probabilities = [...nextTokens(page, ids).entries()].sort((one, other) => other[1] - one[1]);
  return { rows: probabilities.slice(0, 6).map(([id, probability]) => [id, probability, 0]), n_exact: has_exact ? null : 0 };
}

export default { render, open: openNext, answer: nextAnswer, answersTo: ["text", "path", "samples", "endings"],
  shared: { text: "text", path: "places" } };
