// BlockExplorer: a token's numbers at each stage of a block; click one, and see the products it is the sum of.
import { frame, h, textBox } from "./base.js";
import { diverging } from "./colors.js";
import { blockAnswer, fitsBlock, openBlock } from "./blocks_answer.js";
import { explain, largest, nameOf, readBlock, spoken } from "./blocks_data.js";

const N_SHOWN = 8;
const STRIP = 15;
const BLOCK_CSS = `
.stages { display: grid; grid-template-columns: max-content 1fr; gap: 3px 10px; align-items: center; margin: 4px 0; }
.stages button { font-size: 12px; text-align: right; border: 0; background: none; padding: 0 2px; color: inherit; cursor: pointer; }
.stages:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
.stages button:hover { text-decoration: underline; }
.stages .of-stream { font-weight: 600; }
.controls input[type=number] { width: 6em; }
.stages canvas { width: 100%; height: ${STRIP}px; cursor: pointer; display: block; outline-offset: 2px; }
.stages canvas.chosen { outline: 2px solid var(--accent); }
.opened { margin: 4px 0; }
.opened .scroll { max-height: 176px; }
.opened table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.opened td, .opened th { padding: 0 8px; line-height: 1.35; text-align: right; border: 0; }
.opened td.bar { width: 110px; text-align: left; }
.opened .bar span { display: block; height: 9px; }
.opened .more { background: #b2182b; }
.opened .less { background: #2166ac; }
.trail { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; margin: 4px 0; min-height: 26px; }
`;

function render({ model, el }) {
  const ui = frame({ model, el, title: "Block explorer", css: BLOCK_CSS });
  let block = null;
  const strips = new Map();
  const token = h("select", { "aria-label": "token", onchange: () => go({ ...place(), position: Number(token.value), ...indexFor(place()) }, []) });
  const number = textBox((typed) => goTo(Number(typed)), { lines: false, type: "number", min: 0, step: 1, "aria-label": "number" });
  const stages = h("div", { class: "stages", tabindex: "0", role: "group",
    "aria-label": "stages and numbers: arrows move, Enter opens the largest product, Escape goes back", onkeydown: (event) => press(event) });
  const trail = h("div", { class: "trail", role: "group", "aria-label": "the way here" });
  const opened = h("div", { class: "opened" });
  ui.asks("own text", false, { placeholder: "up to 23 tokens" });
  ui.controls.append(h("label", {}, "token ", token), h("label", {}, "number ", number));
  ui.picture.append(stages, trail);
  ui.below.append(opened);

  // Inside the block that is shown: a text of one's own may be shorter than the one before.
  const place = () => {
    const { stage, position, index } = model.get("place");
    return { stage, position: Math.min(position, block.n - 1), index: Math.min(index, widthOf(stage) - 1) };
  };
  const indexFor = ({ stage, index }) => (stage === "weight" ? { stage: "heads", index: 0 } : { index });
  const widthOf = (stage) => (stage === "weight" ? block.heads * block.n : block.numbers[stage].shape[1]);
  function go(next, path) {
    model.set("path", path);
    model.set("place", next);
    model.save_changes();
  }
  function goTo(index) {
    const last = widthOf(place().stage) - 1;
    go({ ...place(), index: Math.max(0, Math.min(last, Math.round(index) || 0)) }, []);
  }
  const open = (to) => go(to, [...model.get("path"), place()]);
  const back = (path = model.get("path")) => path.length && go(path.at(-1), path.slice(0, -1));
  function openLargest() {
    const factors = largest(explain(block, place()).terms, 1).shown.flatMap(({ left, right }) => [left, right]);
    const next = factors.find((one) => one && one.to && one.to.stage !== "weight");
    if (next) open(next.to);
  }
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { stage, position, index } = place();
    const names = Object.keys(block.stages);
    const at = stage === "weight" ? names.indexOf("heads") : names.indexOf(stage);
    const toStage = (next) => next in names && go({ stage: names[next], position, index: Math.min(index, widthOf(names[next]) - 1) }, []);
    const keys = {
      ArrowLeft: () => goTo(index - 1), ArrowRight: () => goTo(index + 1), ArrowUp: () => toStage(at - 1), ArrowDown: () => toStage(at + 1),
      Home: () => goTo(0), End: () => goTo(Infinity), Enter: openLargest, " ": openLargest, Escape: () => back(),
    };
    if (!(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  function build() {
    block = readBlock(model.get("payload"));
    strips.clear();
    token.replaceChildren(...block.labels.map((label, position) => h("option", { value: position }, `${position} ${label}`)));
    stages.replaceChildren();
    for (const [stage, name] of Object.entries(block.stages)) {
      const isStream = ["before", "middle", "after"].includes(stage);
      const canvas = h("canvas", { role: "img", onclick: (event) => {
        const box = canvas.getBoundingClientRect();
        const index = Math.floor(((event.clientX - box.left) / box.width) * widthOf(stage));
        go({ stage, position: place().position, index: Math.min(widthOf(stage) - 1, Math.max(0, index)) }, []);
      } });
      strips.set(stage, canvas);
      const choose = () => go({ stage, position: place().position, index: Math.min(place().index, widthOf(stage) - 1) }, []);
      stages.append(h("button", { type: "button", tabindex: "-1", class: isStream ? "of-stream" : "", onclick: choose }, name), canvas);
    }
    draw();
  }

  function paint(canvas, stage) {
    const { position, index, stage: chosen } = place();
    const width = widthOf(stage);
    const row = block.numbers[stage].subarray(position * width, (position + 1) * width);
    const sizes = [...row].map(Math.abs).filter((x) => x > 0).sort((a, b) => a - b);
    const full = sizes[Math.floor(sizes.length * 0.95)] || 1;
    canvas.width = width * 4;
    canvas.height = STRIP;
    const pen = canvas.getContext("2d");
    for (let at = 0; at < width; at++) {
      const [red, green, blue] = diverging(Math.max(-1, Math.min(1, row[at] / full)));
      pen.fillStyle = `rgb(${red} ${green} ${blue})`;
      pen.fillRect(at * 4, 0, 4, STRIP);
    }
    const isChosen = chosen === stage;
    canvas.classList.toggle("chosen", isChosen);
    if (isChosen) {
      pen.fillStyle = "#000";
      pen.fillRect(Math.max(0, index * 4 - 2), 0, 2, STRIP);
      pen.fillRect(index * 4 + 4, 0, 2, STRIP);
    }
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    canvas.setAttribute("aria-label", `${block.stages[stage]}: ${width} numbers, length ${spoken(length)}`);
  }

  const factorCell = ({ value, to }) => h("td", {}, to
    ? h("button", { type: "button", title: nameOf(block, to), onclick: () => open(to) }, spoken(value)) : spoken(value));
  const barCell = (product, full) => h("td", { class: "bar" }, h("span", { class: product < 0 ? "less" : "more", style: { width: `${Math.max(1, (100 * Math.abs(product)) / full)}px` } }));
  const whence = ({ left, right }) => [left, right].filter((one) => one && one.to).map((one) => nameOf(block, one.to)).join(" × ");

  function draw() {
    const here = place();
    for (const [stage, canvas] of strips) paint(canvas, stage);
    token.value = here.position;
    number.value = here.index;
    number.max = widthOf(here.stage) - 1;
    const found = explain(block, here);
    const { shown, n_rest, rest } = largest(found.terms, N_SHOWN, found.sum);
    const full = Math.max(...shown.map((term) => Math.abs(term.product)), Math.abs(rest), 1e-9);
    const rows = shown.map((term) => h("tr", {}, factorCell(term.left), h("td", {}, term.right ? "×" : ""),
      term.right ? factorCell(term.right) : h("td", {}), h("td", {}, "="), h("td", {}, spoken(term.product)), barCell(term.product, full),
      h("td", { style: { "text-align": "left" } }, whence(term))));
    if (n_rest) rows.push(h("tr", {}, h("td", { colspan: 4 }, `${n_rest} smaller ones together`), h("td", {}, spoken(rest)), barCell(rest, full), h("td", {})));
    if (found.terms.length) rows.push(h("tr", {}, h("th", { colspan: 4, scope: "row" }, "sum"), h("th", {}, spoken(found.sum)), h("td", {}), h("td", {})));
    opened.replaceChildren(h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "the products" }, h("table", {}, h("tbody", {}, ...rows))));
    const path = model.get("path");
    trail.replaceChildren(...path.map((one, step) => h("button", { type: "button", onclick: () => go(one, path.slice(0, step)) }, `← ${nameOf(block, one)}`)));
    ui.say(`${nameOf(block, here)} = ${spoken(found.value)}: ${found.formula}. ${found.after}`);
    ui.table(() => ({ caption: `${nameOf(block, here)} = ${spoken(found.value)}`, columns: ["product", "left", "right", "from"],
      rows: found.terms.map((term) => [spoken(term.product), spoken(term.left.value), term.right ? spoken(term.right.value) : "", whence(term)]) }));
  }

  ui.watch("payload", build);
  ui.watch(["place", "path"], () => block && draw());
  return ui.destroy;
}

export default { render, fits: fitsBlock, open: openBlock, answer: blockAnswer, answersTo: ["text"],
  shared: { text: "text" } };
