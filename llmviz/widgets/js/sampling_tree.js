// SamplingTreeExplorer: sampled texts as a tree, the bars of one node, and what the KV cache saves.
import { frame, h, roving, svg } from "./base.js";
import { inkOn, viridis } from "./colors.js";
import { growTree, openTree, treeAnswer } from "./sampling_tree_answer.js";
import { barsOf, costOf, layOut, readTree, pathsUnder } from "./sampling_tree_data.js";

const [ROW, GAP, NAMES, LEAST_COLUMN] = [25, 3, 74, 54];
const N_BARS = 8;
const TREE_CSS = `
.forest { position: relative; overflow: auto; max-height: 240px; margin: 2px 0 4px; }
.forest .inner { position: relative; }
.forest svg { position: absolute; inset: 0; pointer-events: none; }
.box { forced-color-adjust: none; position: absolute; height: ${ROW - 6}px; padding: 0 1px; border: 0; border-radius: 3px; overflow: hidden; white-space: pre;
  text-overflow: ellipsis; font: 11px/${ROW - 6}px var(--jp-code-font-family, ui-monospace, monospace); }
.box:hover { filter: none; background: inherit; }
.box.greedy { box-shadow: 0 0 0 3px #d55e00; }
.box.beam { outline: 2px dashed var(--second); outline-offset: 1px; }
.box.greedy.beam { outline-offset: 4px; }
.box.at { text-decoration: underline; text-decoration-thickness: 3px; font-weight: 700; }
.box.unknown { background-image: var(--hatch); color: inherit; }
.who { position: absolute; font-size: 12px; white-space: nowrap; }
.bars { display: grid; gap: 1px; line-height: 1.2; }
.bars-title { margin: 4px 0 2px; font-weight: 600; }
.bar-row { display: grid; grid-template-columns: minmax(80px, 16%) 1fr 9.5em; gap: 8px; align-items: center; font-variant-numeric: tabular-nums; }
.bar-row .name { font: 13px/1.2 var(--jp-code-font-family, ui-monospace, monospace); white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.bar-row.chosen .name { font-weight: 700; text-decoration: underline; }
.track { position: relative; height: 14px; }
.track span { position: absolute; inset: 0 auto 0 0; border-radius: 2px; }
.after { background: #0072b2; }
.before { border: 1.5px solid currentColor; }
.cut .before { background-image: var(--hatch); border: 1px dashed var(--line); }
.cut .name, .cut .number { font-style: italic; }
.key { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12px; margin: 2px 0; align-items: center; }
.key i { display: inline-block; width: 22px; height: 11px; margin-right: 5px; vertical-align: -1px; border-radius: 2px; }
.ramp { background: linear-gradient(90deg, #440154, #3b528b, #21918c, #5ec962, #fde725); }
.counter { margin: 2px 0 4px; font-variant-numeric: tabular-nums; }
output { min-width: 2.6em; }
`;

export const million = (number) => (number < 1e6 ? number.toLocaleString("en") : `${(number / 1e6).toFixed(number < 1e8 ? 1 : 0)} million`);

// The setting as a line of Python writes it.
export const settingCode = (template, ids, n, { temperature, top_k, top_p }) => template
  .replace("{token_ids}", `[${ids.join(", ")}]`).replace("{n_tokens}", n).replace("{temperature}", temperature)
  .replace("{top_k}", top_k || "None").replace("{top_p}", top_p || "None");

function render({ model, el }) {
  const ui = frame({ model, el, title: "Sampling tree", css: TREE_CSS });
  const isLive = Boolean(model.get("is_live"));
  let tree = null;
  let laid = { boxes: [], n_rows: 0 };
  let paths = [];
  let width = 0;
  let hover = null;
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const setting = () => Object.fromEntries(["temperature", "top_k", "top_p"].map((name) => [name, known(name)]));
  // A link may ask for what no slider has: then the first of its values.
  const known = (name) => tree.settings[name].find((one) => Math.abs(one - model.get(name)) < 1e-6) ?? tree.settings[name][0];
  const nShown = () => Math.min(tree.n_tokens, Math.max(1, model.get("n_shown")));

  const sliders = Object.fromEntries(["temperature", "top_k", "top_p", "n_shown"].map((name) => [name, sliderOf(name)]));
  function sliderOf(name) {
    const shown = h("output", {});
    const input = h("input", { type: "range", min: 0, step: 1,
      oninput: () => set(name, name === "n_shown" ? Number(input.value) : tree.settings[name][input.value]) });
    const title = { temperature: "temperature", top_k: "top-k", top_p: "top-p", n_shown: "tokens shown" }[name];
    return { input, shown, element: h("label", {}, `${title} `, input, shown) };
  }
  const newDraws = h("button", { type: "button", onclick: () => set("seed", model.get("seed") + 1) }, "new draws");
  const plain = h("button", { type: "button", onclick: () => {
    for (const [name, value] of [["temperature", 1], ["top_k", 0], ["top_p", 0]]) model.set(name, value);
    model.save_changes();
  } }, "reset");
  ui.asks("prompt", true);
  ui.controls.append(...(isLive ? [newDraws] : []), ...Object.values(sliders).map(({ element }) => element), plain);

  const inner = h("div", { class: "inner" });
  const forest = h("div", { class: "forest", role: "group", "aria-label": "the tree: arrows move, Enter pins a token's bars, Escape unpins" }, inner);
  const key = h("p", { class: "key" },
    h("span", {}, "the model's own probability: 0 ", h("i", { class: "ramp", style: { width: "60px" } }), "1"),
    h("span", {}, h("i", { style: { "box-shadow": "0 0 0 3px #d55e00" } }), "greedy"),
    h("span", {}, h("i", { style: { outline: "2px dashed var(--second)" } }), "best beam"),
    h("span", {}, "numbers: the sampled texts"));
  const title = h("p", { class: "bars-title" });
  const bars = h("div", { class: "bars" });
  const counter = h("p", { class: "counter" });
  ui.picture.append(forest, key, title, bars);
  ui.below.append(counter);

  const labelOf = (token) => (token === null ? "…" : tree.labels[token] ?? "…");
  const pathOf = (box) => {
    const path = [];
    for (let one = box; one; one = laid.boxes.find(({ key }) => key === one.parent)) path.unshift(one.token);
    return path;
  };
  const chosenBox = () => {
    if (hover) return laid.boxes.find(({ key }) => key === hover) ?? null;
    const at = model.get("at");
    let found = laid.boxes.find((box) => box.names.includes("1") && box.depth === 0) ?? laid.boxes[0];
    let siblings = laid.boxes.filter(({ depth }) => depth === 0);
    for (const token of at) {
      const next = siblings.find((box) => box.token === token);
      if (!next) break;
      found = next;
      siblings = next.children;
    }
    return found;
  };
  const boxAt = (index) => laid.boxes[index];
  const preview = (index) => {
    hover = boxAt(index)?.key ?? null;
    drawBars();
  };
  const keep = (index) => {
    hover = null;
    set("at", pathOf(boxAt(index)));
  };
  const wander = roving(forest, {
    step(pressed, index) {
      const box = boxAt(index);
      const place = (one) => (one ? laid.boxes.indexOf(one) : index);
      const column = laid.boxes.filter(({ depth }) => depth === box.depth).sort((one, other) => one.row - other.row);
      const here = column.indexOf(box);
      if (pressed === "ArrowRight") return place(box.children[0]);
      if (pressed === "ArrowLeft") return place(laid.boxes.find(({ key }) => key === box.parent));
      if (pressed === "ArrowUp") return place(column[here - 1]);
      if (pressed === "ArrowDown") return place(column[here + 1]);
      return null;
    },
    move: preview, pin: keep, unpin: () => {
      hover = null;
      set("at", []);
    },
  });

  function drawTree() {
    const columns = Math.max(1, ...laid.boxes.map(({ depth }) => depth + 1));
    const column = Math.max(LEAST_COLUMN, Math.floor((width - NAMES) / Math.max(columns, 1)) - 1);
    const wide = Math.min(column, 110);
    const [left, top] = [(depth) => 5 + depth * wide, (row) => 6 + row * (ROW + GAP)];
    const height = laid.n_rows * (ROW + GAP) + 6;
    const lines = svg("svg", { width: columns * wide + NAMES, height, "aria-hidden": "true" });
    const focused = ui.root.activeElement?.dataset?.index;
    const elements = laid.boxes.map((box, index) => {
      const [red, green, blue] = viridis(box.own);
      const parent = box.parent && laid.boxes.find(({ key }) => key === box.parent);
      if (parent) {
        const [x, y, y0] = [left(box.depth), top(box.row) + (ROW - 6) / 2, top(parent.row) + (ROW - 6) / 2];
        const drawn = box.names.filter((name) => name !== "greedy" && name !== "beam").length;
        lines.append(svg("path", { d: `M${x - 8} ${y0} C${x - 2} ${y0} ${x - 6} ${y} ${x} ${y}`, fill: "none", stroke: "currentColor",
          "stroke-width": Math.max(1, drawn * 1.2), opacity: 0.55 }));
      }
      const who = box.names.join(", ");
      const spoken = box.unknown ? "not recorded in this page" : `${labelOf(box.token)}, probability ${box.own.toFixed(2)}, in ${who}`;
      return h("button", { type: "button", class: ["box", box.names.includes("greedy") ? "greedy" : "", box.names.includes("beam") ? "beam" : "", box.unknown ? "unknown" : ""].join(" "),
        "data-index": index, tabindex: index ? -1 : 0, "aria-label": spoken, title: spoken, onclick: () => keep(index),
        onpointerenter: () => preview(index), onpointerleave: () => preview(-1),
        style: { left: `${left(box.depth)}px`, top: `${top(box.row)}px`, width: `${wide - 9}px`,
          ...(box.unknown ? {} : { background: `rgb(${red} ${green} ${blue})`, color: inkOn([red, green, blue]) }) } },
        h("bdi", {}, labelOf(box.token)));
    });
    const names = laid.boxes.filter(({ ends }) => ends.length).map((box) =>
      h("span", { class: "who", style: { left: `${left(box.depth + 1)}px`, top: `${top(box.row)}px` } }, box.ends.join(", ")));
    inner.style.height = `${height}px`;
    inner.style.width = `${columns * wide + NAMES}px`;
    inner.replaceChildren(lines, ...elements, ...names);
    if (focused !== undefined && elements[focused]) wander.focus(Number(focused));
  }

  function drawBars() {
    const box = chosenBox();
    [...inner.querySelectorAll(".box")].forEach((element, index) => element.classList.toggle("at", laid.boxes[index] === box));
    const place = box && !box.unknown ? box.place : null;
    title.hidden = bars.hidden = place === null;
    if (place === null) return;
    const { rows, others, kept, n_kept } = barsOf(tree, place, setting(), box.rank, N_BARS);
    const before = [...tree.prompt.slice(1), ...pathOf(box).slice(0, -1).map(labelOf)].slice(-6).join("").replaceAll("·", " ").trim();
    const most = Math.max(0.02, others.before, others.after, ...rows.flatMap((row) => [row.before, row.after]));
    const said = ({ before: one, after: other }, isCut) => (isCut ? `${one.toFixed(3)} → cut` : [...new Set([one.toFixed(3), other.toFixed(3)])].join(" → "));
    const bar = (row, name, isCut) => h("div", { class: `bar-row${isCut ? " cut" : ""}${row.chosen ? " chosen" : ""}` },
      h("span", { class: "name" }, h("bdi", {}, name)),
      h("span", { class: "track" }, isCut ? null : h("span", { class: "after", style: { width: `${(100 * row.after) / most}%` } }),
        h("span", { class: "before", style: { width: `${(100 * row.before) / most}%` } })),
      h("span", { class: "number" }, said(row, isCut)));
    title.replaceChildren(h("bdi", {}, before ? `After “… ${before}”` : "At the start"), n_kept < n_kept + others.n - others.n_kept || kept < 0.9995
      ? `: ${n_kept.toLocaleString("en")} tokens stay, with ${(100 * kept).toFixed(1)} % of the probability, which is renormalized` : ": nothing is cut");
    bars.replaceChildren(...rows.map((row) => bar(row, labelOf(row.token), !row.kept)),
      ...(others.n ? [bar(others, `${others.n.toLocaleString("en")} others`, !others.n_kept)] : []));
    ui.table(() => ({ caption: `After “${before}”`, columns: ["token", "after the temperature", "after the cut"],
      rows: [...rows.map((row) => [labelOf(row.token), row.before.toFixed(4), row.kept ? row.after.toFixed(4) : "cut"]),
        ["all others", others.before.toFixed(4), others.n_kept ? others.after.toFixed(4) : "cut"]] }));
  }

  function sentenceOf() {
    const { temperature, top_k, top_p } = setting();
    const drawn = paths.filter(({ name }) => name !== "greedy" && name !== "beam");
    const different = new Set(drawn.map(({ steps }) => steps.map(({ rank, unknown }) => (unknown ? "…" : rank)).join())).size;
    const cuts = [top_k ? `top-k ${top_k}` : "", top_p ? `top-p ${top_p}` : ""].filter(Boolean).join(", ");
    return `Temperature ${temperature.toFixed(1)}, ${cuts || "nothing cut"}: ${drawn.length} draws give ${different} different ${different === 1 ? "text" : "texts"} (as far as they are shown). ${tree.whole}`;
  }

  function draw() {
    if (!tree || !width) return;
    paths = pathsUnder(tree, setting(), nShown());
    laid = layOut(paths);
    drawTree();
    drawBars();
    for (const [name, { input, shown }] of Object.entries(sliders)) {
      const value = name === "n_shown" ? nShown() : known(name);
      const values = tree.settings[name];
      input.max = name === "n_shown" ? tree.n_tokens : values.length - 1;
      if (name === "n_shown") input.min = 1;
      input.value = name === "n_shown" ? value : Math.max(0, values.findIndex((one) => Math.abs(one - value) < 1e-6));
      shown.textContent = name === "temperature" ? value.toFixed(1) : value || "all";
    }
    const lengths = paths.slice(2).map(({ steps }) => steps.length);
    const { cached, uncached } = costOf(tree.cost, tree.start.length, lengths);
    counter.textContent = `Written so far: ${lengths.reduce((sum, n) => sum + n, 0)} tokens in ${lengths.length} texts. Multiplications without a cache ` +
      `${million(uncached)}, with it ${million(cached)}: ${(uncached / cached).toFixed(1)} times fewer.`;
    ui.say(sentenceOf());
    ui.code(settingCode(tree.code, tree.start, nShown(), setting()));
  }

  ui.watch("payload", () => {
    const page = model.get("page");
    tree = model.get("payload").tree ?? readTree(model.get("payload"));
    if (page) growTree(page, tree);
    hover = null;
    draw();
  });
  ui.watch(["temperature", "top_k", "top_p", "n_shown"], () => {
    hover = null;
    draw();
  });
  ui.watch("at", () => tree && width && drawBars());
  ui.onResize((now) => {
    width = now;
    draw();
  });
  return ui.destroy;
}

export default { render, open: openTree, answer: treeAnswer, answersTo: ["text", "seed"], delay: 150,
  shared: { text: "text", seed: "count", temperature: "number", top_k: "count", top_p: "number", n_shown: "count", at: "places" } };
