// ModelExplorer: a whole transformer on one screen. Each row is a token; the columns are what the model computes, from left to
// right; only attention takes from other rows. A part opens into its steps.
import { frame, h, roving, textBox } from "./base.js";
import { isLight } from "./colors.js";
import { drawnToken, idsOf, lengthOf, likeliest, meanWeights, openWhole, partsOf, readOn } from "./model_explorer_data.js";
import { WHOLE_LOOK } from "./model_explorer_look.js";
import { OPENED, wholeNumber } from "./model_explorer_open.js";
import { canvasOf, paintMap, paintRibbons, paintStrips, placeBand, ribbonsOf } from "./model_explorer_paint.js";

const [N_BARS, NARROW, MOST_BLOCKS, LEAST_LABEL, MOST_RAILS] = [10, 640, 3, 12, 40];
const [HIGH, LOW] = [350, 236]; // of the rows, as in the style
const COLUMNS = { embedding: 24, mlp: 32, stream: 24 };
const NEEDS = "This is its still form. It comes alive where the cell is run, and in an exported page (python -m llmviz export).";

export function partName({ kind, layer, head }) {
  return { tokens: "tokens", embedding: "vectors", head: `block ${layer}, head ${head}`, mlp: `block ${layer}, MLP`, stream: `block ${layer}, residual stream`, logits: "next token" }[kind];
}

// What a part says about one token in a word or two.
export function partTold({ kind, layer, head }, { read, at, labels }) {
  const found = read[at].layers[layer];
  if (kind === "head") {
    const { weights } = found.heads[head];
    return labels[weights.indexOf(Math.max(...weights))];
  }
  if (kind === "mlp") return `${found.hidden.reduce((sum, number) => sum + (number > 0), 0)} on`;
  if (kind === "tokens") return `${read.length} tokens`;
  return Math.round(lengthOf(kind === "stream" ? found.residual_after : read[at].embedding)).toLocaleString("en");
}

function explore({ model, el, page }) {
  const ui = frame({ model, el, title: "Model explorer", css: WHOLE_LOOK, keeps: true });
  const parts = partsOf(page.gpt.config);
  const state = { text: model.get("text"), added: [], at: 0, hovered: null, head: null, open: null, temperature: 1, reused: 0, n_cut: 0, read: [], labels: [] };
  let high = HIGH;
  let labels = [];
  let strips = new Map();
  const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const hasEnded = () => state.added.at(-1) === page.tokenizer.endOfText;
  const at = () => Math.min(state.hovered ?? state.at, state.read.length - 1);
  const isDark = () => isLight(ui.ink());

  const prompt = textBox((text) => {
    if (text === state.text && !state.added.length) return;
    Object.assign(state, { text, added: [] });
    readAll();
  }, { isEager: true, "aria-label": "prompt" });
  prompt.value = state.text;
  const button = (label, action) => h("button", { type: "button", onclick: action }, label);
  const step = button("next token", () => append(drawnToken(state.read.at(-1).logits, state.temperature, Math.random())));
  const undo = button("undo", () => {
    state.added.pop();
    readAll();
  });
  const heat = h("output", {}, "1.0");
  const slider = h("input", { type: "range", min: "0", max: "2", step: "0.1", value: "1", oninput: () => {
    state.temperature = Number(slider.value);
    heat.textContent = state.temperature.toFixed(1);
    show();
  } });
  ui.controls.append(h("label", {}, "prompt ", prompt), step, undo, h("label", {}, "temperature ", slider, heat));

  // The picture: a button for each part, ribbons before the heads and before the bars.
  const whole = h("div", { class: "whole", role: "group", "aria-label": "the model, from tokens to the next token" });
  const opened = h("div", { class: "opened", role: "group", tabindex: "0", hidden: true });
  ui.picture.append(whole, opened);
  const views = parts.map((part, index) => {
    const canvas = part.kind === "tokens" || part.kind === "logits" ? null : canvasOf("");
    const band = h("span", { class: "band" });
    const body = part.kind === "logits" ? null : h("div", { class: "body" }, canvas, band);
    const name = h("div", { class: "name" }, part.kind === "head" ? part.head : { mlp: "MLP", stream: "stream", embedding: "vectors", tokens: "tokens", logits: "" }[part.kind]);
    const told = h("div", { class: "told" });
    const kind = part.kind === "head" ? "map" : part.kind;
    const element = h("button", { type: "button", class: `part ${kind}${canvas && kind !== "map" ? " strips" : ""}`, "data-index": index, tabindex: index ? -1 : 0,
      onclick: (event) => pressed(event, index) }, name, body, part.kind === "logits" ? null : told);
    return { part, canvas, body, band, name, told, element };
  });
  const gaps = Array.from({ length: page.gpt.config.n_layers + 1 }, ribbonsOf);
  const gapOf = (layer, name) => h("div", { class: "gap", "aria-hidden": "true" }, h("div", { class: "name" }, name), h("div", { class: "body" }, gaps[layer]));
  const inLayer = (layer) => views.filter(({ part }) => part.layer === layer).map(({ element }) => element);
  const stage = (className, title, ...line) => h("div", { class: `stage ${className}` }, h("div", { class: "heading" }, title), h("div", { class: "line" }, ...line));
  const list = h("div", { class: "list", role: "group", "aria-label": "next tokens: choose one to append it" });
  whole.append(stage("plain", "tokens → vectors", views[0].element, views[1].element),
    ...Array.from({ length: page.gpt.config.n_layers }, (_, layer) => stage("block", `block ${layer}`, gapOf(layer, "heads"), ...inLayer(layer))),
    h("div", { class: "stage plain bars" }, h("div", { class: "heading" }, "→ next token"), h("div", { class: "line" }, gapOf(gaps.length - 1, ""),
      h("div", { style: { flex: "1 1 0", "min-width": 0 } }, views.at(-1).element, list))));

  const choose = (place) => {
    state.at = Math.min(Math.max(0, place), state.read.length - 1);
    state.hovered = null;
    show();
  };
  const toPart = roving(whole, { step: (key, index) => ({ ArrowLeft: Math.max(0, index - 1), ArrowRight: Math.min(parts.length - 1, index + 1), Home: 0, End: parts.length - 1 })[key] ?? null,
    pin: open, keys: { ArrowUp: () => choose(state.at - 1), ArrowDown: () => choose(state.at + 1) } });
  roving(list, { pin: (index) => list.children[index].click(), unpin: () => undo.click() });

  const rowOf = (event) => {
    const body = event.target.closest?.(".part .body");
    if (!body) return null;
    const box = body.getBoundingClientRect();
    return Math.min(state.read.length - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * state.read.length)));
  };
  const headAt = (target) => views[target.closest?.(".part")?.dataset.index]?.part ?? null;
  const preview = (hovered, head) => {
    if (hovered === state.hovered && head === state.head) return;
    Object.assign(state, { hovered, head });
    show();
  };
  whole.addEventListener("pointermove", (event) => event.pointerType === "mouse" && preview(rowOf(event), headAt(event.target)));
  whole.addEventListener("pointerleave", () => preview(null, null));
  whole.addEventListener("focusin", ({ target }) => preview(null, headAt(target)));
  function pressed(event, index) {
    const row = rowOf(event);
    if (row !== null && event.detail) state.at = row;
    state.hovered = null;
    if (parts[index].kind === "tokens" && row !== null && event.detail) show();
    else open(index);
  }

  // A part opened, in the place of the whole.
  function open(index) {
    const from = views[index].element.getBoundingClientRect();
    const isFirst = state.open === null;
    state.open = index;
    state.hovered = null;
    show();
    opened.focus({ preventScroll: true });
    if (!isFirst || isStill()) return;
    const to = opened.getBoundingClientRect();
    const start = `translate(${from.left - to.left}px, ${from.top - to.top}px) scale(${from.width / to.width}, ${from.height / to.height})`;
    opened.animate([{ transform: start, opacity: 0.3, transformOrigin: "0 0" }, { transform: "none", opacity: 1, transformOrigin: "0 0" }], { duration: 220, easing: "ease-out" });
  }
  function close() {
    const index = state.open;
    state.open = null;
    show();
    toPart.focus(index);
  }
  opened.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isInside = event.target.closest(".scroll, .tiles");
    const turn = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Escape") close();
    else if (turn && !isInside) open(Math.min(Math.max(0, state.open + turn), parts.length - 1));
    else if (move && !isInside) choose(state.at + move);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function append(id) {
    if (hasEnded()) return;
    state.added.push(id);
    const before = state.read.length;
    readAll();
    if (isStill() || state.open !== null || state.reused < before) return;
    for (const [turn, { canvas }] of views.entries()) canvas?.animate([{ opacity: 0.35 }, { opacity: 1 }], { duration: 260, delay: 35 * turn, fill: "backwards" });
  }

  const readAll = ui.guard(() => {
    const { ids, n_cut } = idsOf(page, state.text, state.added);
    const { read, reused } = readOn(page, ids);
    Object.assign(state, { read, reused, n_cut, at: read.length - 1, hovered: null, isRead: true });
    state.labels = read.map(({ id }, place) => (id === page.tokenizer.endOfText ? (place ? "end" : "start") : page.labels[id]));
    undo.disabled = !state.added.length;
    step.disabled = hasEnded();
    ui.problem("");
    paintAll();
    show();
  });

  // Everything that depends on the tokens alone.
  function paintAll() {
    strips = new Map();
    const { read } = state;
    for (const { part: { kind, layer, head }, canvas, body } of views) {
      body?.style.setProperty("--row", `${high / read.length}px`);
      body?.style.setProperty("--seam", `${read.length > 60 ? 0 : read.length > 30 ? 1 : 2}px`);
      if (kind === "embedding") paintStrips(canvas, read.map(({ embedding }) => embedding), COLUMNS.embedding, isDark());
      if (kind === "head") paintMap(canvas, read.map(({ layers }) => layers[layer].heads[head].weights), isDark());
      if (kind === "mlp") paintStrips(canvas, read.map(({ layers }) => layers[layer].hidden), COLUMNS.mlp, isDark());
      if (kind === "stream") paintStrips(canvas, read.map(({ layers }) => layers[layer].residual_after), COLUMNS.stream, isDark());
    }
    const row = high / read.length;
    const moved = (place) => Math.min(Math.max(0, 8 - row * (place + 0.5)), 8) + Math.min(0, high - 8 - row * (place + 0.5));
    const mark = (place) => (!state.reused || state.reused === read.length ? "" : place < state.reused ? "cached" : "computed");
    views[0].body.replaceChildren(views[0].band, ...state.labels.map((label, place) => h("span", { class: `label ${mark(place)}`, style: { top: `${row * place}px`, height: `${row}px` } },
      h("bdi", { style: { transform: `translateY(${moved(place)}px)` } }, label), h("span", { class: "kept" }))));
    labels = [...views[0].body.querySelectorAll(".label")];
  }

  // Everything that depends on the chosen token, too.
  function show() {
    const place = at();
    const isOpen = state.open !== null;
    whole.hidden = isOpen;
    opened.hidden = !isOpen;
    keep();
    if (isOpen) return showOpened(place);
    const every = Math.ceil((LEAST_LABEL * state.read.length) / high);
    for (const [row, label] of labels.entries()) {
      label.classList.toggle("chosen", row === place);
      label.firstChild.hidden = row !== place && (row % every > 0 || (Math.abs(row - place) < every));
    }
    for (const { part, told, element, band } of views) {
      placeBand(band, place, state.read.length);
      told.textContent = partTold(part, { ...state, at: place });
      if (part.kind !== "tokens") element.setAttribute("aria-label", `${part.kind === "head" ? part.head : ""} ${partName(part)}: ${/stream|embedding/.test(part.kind) ? "length " : ""}${told.textContent}`.trim());
    }
    const chosen = state.head;
    for (let layer = 0; layer < page.gpt.config.n_layers; layer++) {
      const own = chosen?.kind === "head" && chosen.layer === layer;
      const weights = own ? state.read[place].layers[layer].heads[chosen.head].weights : meanWeights(state.read, layer, place);
      paintRibbons(gaps[layer], [...weights].map((weight, key) => [key + 0.5, place + 0.5, weight]),
        { height: state.read.length, thickest: 12, rails: state.read.length > MOST_RAILS ? 0 : state.read.length });
    }
    showBars(place);
    tell(place);
  }

  function showBars(place) {
    const found = likeliest(state.read[place].logits, state.temperature, N_BARS);
    const isLast = place === state.read.length - 1;
    const came = isLast ? null : state.read[place + 1].id;
    const most = Math.max(...found.map(({ probability }) => probability), 0.05);
    views.at(-1).name.textContent = `after “${state.labels[place]}”`;
    views.at(-1).element.setAttribute("aria-label", `after “${state.labels[place]}”: logits and probabilities`);
    while (list.children.length < found.length) {
      const index = list.children.length;
      list.append(h("button", { type: "button", class: "next", "data-index": index, tabindex: index ? -1 : 0, onclick: () => append(Number(list.children[index].dataset.id)) },
        h("span", { class: "fill" }), h("span", { class: "word" }, h("bdi", {})), h("span", { class: "number" })));
    }
    for (const [index, { id, probability }] of found.entries()) {
      const one = list.children[index];
      one.dataset.id = id;
      one.disabled = !isLast || hasEnded();
      one.style.setProperty("--share", probability / most);
      one.querySelector("bdi").textContent = `${id === page.tokenizer.endOfText ? "end" : page.labels[id]}${id === came ? " ✓" : ""}`;
      one.lastChild.textContent = wholeNumber(probability);
    }
    paintRibbons(gaps.at(-1), found.map(({ probability }, index) => [((place + 0.5) * high) / state.read.length, ((index + 0.5) * Math.min(high, 36 * N_BARS)) / N_BARS, probability / most]), { height: high, thickest: 8 });
  }

  function tell(place) {
    const { read, labels, reused } = state;
    const likely = likeliest(read[place].logits, state.temperature, 3).map(({ id, probability }) => `“${page.labels[id]}” ${wholeNumber(probability)}`).join(", ");
    const kept = reused && reused < read.length ? ` Computed now: ${read.length - reused} of ${read.length} tokens; of the others only keys and values were used again, from the cache.` : "";
    const cut = state.n_cut ? ` The model sees ${read.length} tokens at once: the first ${state.n_cut} are left out.` : "";
    const end = hasEnded() ? " The model has ended the text." : "";
    ui.say(`After “${labels[place]}” (position ${place}) most likely: ${likely}.${kept}${cut}${end} Open a part to see its steps.`);
    ui.table(() => ({ caption: `The parts of the model at “${labels[place]}” (heads: the token looked at most)`, columns: ["part", "says"],
      rows: [...parts.slice(0, -1).map((part) => [partName(part), partTold(part, { ...state, at: place })]), ["next token", likely]] }));
    ui.code(`model(torch.tensor([[${read.map(({ id }) => id).join(", ")}]]))[0, ${place}].softmax(dim=-1)`);
  }

  function showOpened(place) {
    const part = parts[state.open];
    const { title, elements, sentence, table, code } = OPENED[part.kind]({ page, read: state.read, labels: state.labels, at: place, part, temperature: state.temperature, isDark: isDark(), strips });
    const go = (label, to) => h("button", { type: "button", disabled: to < 0 || to >= parts.length, "aria-label": label === "‹" ? "the part before ‹" : "the part after ›", onclick: () => open(to) }, label);
    opened.setAttribute("aria-label", `${title}. Arrows: another part, another token. Escape: the whole.`);
    opened.replaceChildren(h("div", { class: "bar-top" }, button("← the whole", close), go("‹", state.open - 1), go("›", state.open + 1), h("strong", {}, h("bdi", {}, title))),
      h("div", { class: "inside" }, ...elements));
    const most = opened.querySelector("tr.most");
    if (most) most.closest(".scroll").scrollTop = most.offsetTop - 120;
    ui.say(sentence);
    ui.table(() => table);
    ui.code(code);
  }

  // What an exported page keeps in its address, and gives back from there.
  const keep = () => {
    for (const name of ["text", "temperature", "open"]) model.set(name, state[name]);
    if (String(model.get("added") ?? []) !== String(state.added)) model.set("added", [...state.added]);
    model.set("at", state.at === state.read.length - 1 ? null : state.at);
  };
  const given = (name, take) => model.on(`change:${name}`, () => String(model.get(name)) !== String(state[name]) && take(model.get(name)));
  given("text", (text) => {
    prompt.value = text;
    Object.assign(state, { text, added: [] });
    readAll();
  });
  given("added", (ids) => {
    state.added = ids.filter((id) => page.labels[id] !== undefined);
    readAll();
  });
  given("at", (place) => place !== null && choose(place));
  given("open", (index) => (index === null ? state.open !== null && close() : parts[index] && open(index)));
  given("temperature", (heat) => {
    slider.value = heat;
    slider.dispatchEvent(new Event("input"));
  });

  ui.onTheme(() => {
    if (!state.isRead) return;
    paintAll();
    show();
  });
  ui.onResize((width) => {
    const isNarrow = width < NARROW || page.gpt.config.n_layers > MOST_BLOCKS;
    for (const one of [whole, opened]) one.classList.toggle("narrow", isNarrow);
    high = isNarrow ? LOW : HIGH;
    if (!state.isRead) return;
    paintAll();
    show();
  });
  readAll();
  return ui.destroy;
}

// Where nothing answers: what Python has drawn, and a sentence.
function still(el) {
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  root.replaceChildren(h("slot", {}), h("p", { style: { font: "13px system-ui, sans-serif" } }, NEEDS));
}

// The weights come with the page, or once from the kernel; they are kept for all explorers of the model.
const models = (globalThis.llmvizModels ??= new Map());

function renderWhole({ model, el }) {
  const name = model.get("payload").model;
  const opened = model.get("page");
  if (opened) return explore({ model, el, page: opened() });
  if (!model.get("is_live")) return still(el);
  const begin = () => explore({ model, el, page: openWhole(models.get(name)) });
  if (models.has(name)) return begin();
  let leave = null;
  const received = (packed) => {
    if (leave) return;
    models.set(name, packed);
    leave = begin();
  };
  el.textContent = "The model is on its way from Python.";
  model.on("msg:custom", received);
  model.send({ wants: "model" });
  return () => {
    model.off("msg:custom", received);
    leave?.();
  };
}

export default { render: renderWhole, open: openWhole, answer: () => ({}), answersTo: [],
  shared: { text: "text", added: "places", at: "choice", open: "choice", temperature: "number" } };
