// What all explorers share: the frame around the picture, and the grammar of touching it.
// Texts reach the page by textContent only.
import { SHELL_CSS } from "./style.js";
import { copyPicture, copyText, csv, saveDiagram } from "./copying.js";

export function h(tag, properties = {}, ...children) {
  return dressed(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return dressed(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

// Properties: on… = listener, style = object, booleans = present or absent, all others = attributes.
function dressed(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null).map(asChild));
  return element;
}

const asChild = (child) => (child instanceof Node ? child : String(child));

const ARRAYS = {
  uint8: Uint8Array, uint16: Uint16Array, int8: Int8Array, int16: Int16Array, int32: Int32Array,
  float32: Float32Array,
};

// Numbers as Python's `pack` wrote them: a typed array, with its shape beside it.
// Packed numbers as a typed array; one that is not packed stays as it is.
export function unpack(packed) {
  if (ArrayBuffer.isView(packed)) return packed;
  const { dtype, shape, data } = packed;
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  const values = new ARRAYS[dtype](bytes.buffer);
  values.shape = shape;
  return values;
}

const GONE = "Python was restarted or has ended, so this picture no longer answers. Run this cell again.";

export const signed = (number, digits = 2) =>
  `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(digits)}`.replace(/^[−+](0\.?0*)$/, "±$1");

// A box for text: Enter, or leaving it, is done (`commit`); in one of several lines Shift+Enter begins a new one. The key
// itself is listened to, because in JupyterLab a browser tells of no change at Enter. `isEager`: each letter is done.
export function textBox(commit, { lines = true, isEager = false, ...properties }) {
  const box = h(lines ? "textarea" : "input", { ...(lines ? { rows: 1 } : { type: "text" }), spellcheck: "false", autocomplete: "off",
    "data-lm-suppress-shortcuts": "true", ...properties });
  let done = null;
  const finish = () => commit((done = box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    if (!lines || !event.shiftKey) return finish();
    box.setRangeText("\n", box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input"));
  });
  box.addEventListener("change", () => box.value !== done && finish());
  if (isEager) box.addEventListener("input", finish);
  return box;
}

// Where a pointer is in an element, in the element's own pixels: on the whole screen they are larger than the window's.
export function placeIn(element, { clientX, clientY }) {
  const { left, top, width } = element.getBoundingClientRect();
  const zoom = width / element.offsetWidth || 1;
  return [(clientX - left) / zoom, (clientY - top) / zoom];
}

// The color behind an element: of the nearest one around it that has one.
function paperOf(element) {
  for (let one = element; one; one = one.parentElement ?? one.getRootNode().host) {
    const { backgroundColor } = getComputedStyle(one);
    if (backgroundColor && !/^transparent$|, 0\)$|\/ 0\)$/.test(backgroundColor)) return backgroundColor;
  }
  return "Canvas";
}

// `keeps`: the picture stays where something is wrong; else it is taken away, because it shows what was asked before.
export function frame({ model, el, title, css = "", keeps = false }) {
  el.dataset.lmSuppressShortcuts = "true";
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  const undo = [];
  const sentence = h("p", { class: "sentence", "aria-live": "polite", role: "status" });
  const trouble = h("p", { class: "problem", role: "alert", hidden: true });
  const controls = h("div", { class: "controls" });
  const picture = h("div", { class: "picture" });
  const below = h("div", { class: "below" });
  const probe = h("span", { class: "probe", hidden: true });
  const note = h("span", { class: "note", role: "status" });
  const tableBox = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "table" });
  const twin = h("details", { class: "twin", hidden: true }, h("summary", {}, "as a table"), tableBox);
  const codeLine = h("code", {});
  const codeBox = h("details", { class: "code", hidden: true }, h("summary", {}, "show the code line"), h("pre", { tabindex: "0" }, codeLine));
  const action = (label, act) => h("button", { type: "button", onclick: async () => {
    try {
      note.textContent = (await act()) ?? "";
    } catch (error) {
      note.textContent = `This page does not let me do that (${error.message}).`;
    }
  } }, label);
  let makeTable = null;
  const diagram = () => {
    const [one, ...others] = picture.querySelectorAll("svg[role]");
    return others.length ? null : one;
  };
  const copyCsv = action("copy CSV", () => copyText(csv(makeTable().csv ?? makeTable()), "text/csv", `${title}.csv`));
  const saveSvg = action("save diagram as SVG", () => saveDiagram(diagram(), ui.background(), `${title}.svg`));
  const copies = h("span", { class: "actions" }, action("copy PNG", () => copyPicture(picture, ui.background(), `${title}.png`)), saveSvg, copyCsv);
  const link = model.link && action("copy link to this state", () => model.link());
  const wide = document.fullscreenEnabled ? action("full screen", () => (isFull() ? document.exitFullscreen() : fill())) : null;
  const menu = h("button", { type: "button", "aria-expanded": "false", onclick: () => open(actions.hidden) }, "menu");
  const actions = h("span", { class: "actions", hidden: true }, wide, copies, link, note);
  const menuBox = h("span", { class: "actions", onkeydown: (event) => {
    if (event.key !== "Escape" || actions.hidden) return;
    event.stopPropagation();
    open(false);
    menu.focus();
  } }, menu, actions);
  function open(isOpen) {
    actions.hidden = !isOpen;
    menu.setAttribute("aria-expanded", isOpen);
    note.textContent = "";
    copyCsv.hidden = !makeTable;
    saveSvg.hidden = !diagram();
  }
  const isFull = () => root.fullscreenElement === box;
  // On the whole screen everything grows as far as it fits, so that a class can read it.
  const fill = () => {
    const { offsetWidth, offsetHeight } = box;
    const most = Math.min(screen.width / Math.min(offsetWidth, 900), screen.height / (offsetHeight + 20), 3);
    return box.requestFullscreen().then(() => box.style.setProperty("zoom", Math.max(1, most)));
  };
  const foot = h("div", { class: "foot" }, menuBox, codeBox, twin);
  const box = h("div", { class: "frame", role: "group", "aria-label": title, "data-lm-suppress-shortcuts": "true" },
    trouble, controls, picture, sentence, below, foot, probe);
  box.addEventListener("fullscreenchange", () => {
    wide.textContent = isFull() ? "leave full screen" : "full screen";
    if (!isFull()) box.style.removeProperty("zoom");
  });
  root.replaceChildren(h("style", {}, SHELL_CSS + css), box);
  const themed = [];
  // The host's colors, whoever it is; and the width, so that print shows the picture as it is on the screen.
  const dress = () => {
    const paper = paperOf(el);
    box.style.setProperty("--paper", paper);
    box.style.setProperty("--width", Math.max(1, box.clientWidth));
    const shades = (getComputedStyle(probe).backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
    box.style.colorScheme = shades[0] + shades[1] + shades[2] < 384 ? "dark" : "light";
  };
  const sized = new ResizeObserver(dress);
  sized.observe(box);
  const retheme = () => {
    dress();
    for (const run of themed) run();
  };
  const observer = new MutationObserver(retheme);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-jp-theme-name"] });
  }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", retheme);
  undo.push(() => sized.disconnect(), () => observer.disconnect(), () => dark.removeEventListener("change", retheme));

  // Pressing here takes the focus from the picture, whose sentence may then change its height: the press still counts.
  foot.addEventListener("pointerdown", ({ target, clientX, clientY }) => {
    const pressed = target.closest("summary, button");
    document.addEventListener("pointerup", (event) => {
      const isHere = Math.hypot(event.clientX - clientX, event.clientY - clientY) < 4;
      if (pressed && isHere && !event.composedPath().includes(pressed)) pressed.click();
    }, { once: true, capture: true });
  });
  const fillTable = () => {
    if (twin.open && makeTable) tableBox.replaceChildren(tableElement(makeTable()));
  };
  twin.addEventListener("toggle", fillTable);
  let said = null;

  const ui = {
    root, box, controls, picture, below, foot,
    // The sentence: a screen reader speaks it when it changes.
    say(text) {
      if (text !== said) sentence.textContent = said = text;
    },
    table(make) {
      makeTable = make;
      twin.hidden = copyCsv.hidden = !make;
      fillTable();
    },
    code(text) {
      codeBox.hidden = !text;
      codeLine.textContent = text ?? "";
    },
    problem(text) {
      trouble.hidden = !text;
      trouble.textContent = text ?? "";
    },
    // In predict mode nothing may tell the answer: no sentence of the picture, no table, no code line, nothing to copy.
    locked(isLocked) {
      for (const part of [copies, twin, codeBox]) part.classList.toggle("locked", isLocked);
    },
    // Whatever goes wrong inside is said in the explorer's own place.
    guard: (action) => (...given) => {
      try {
        return action(...given);
      } catch (error) {
        ui.problem(`The picture could not be drawn: ${error.message}`);
      }
    },
    // Run now, and whenever one of these traits changes.
    watch(names, action) {
      const run = ui.guard(action);
      for (const name of [names].flat()) {
        model.on(`change:${name}`, run);
        undo.push(() => model.off(`change:${name}`, run));
      }
      run();
    },
    onTheme(action) {
      themed.push(ui.guard(action));
    },
    onResize(action) {
      let width = -1;
      const observer = new ResizeObserver(ui.guard(() => {
        const now = Math.round(picture.clientWidth);
        if (now === width || now === 0) return;
        width = now;
        action(now);
      }));
      observer.observe(picture);
      undo.push(() => observer.disconnect());
    },
    ink: () => getComputedStyle(box).color,
    // A color of the style, such as "--second", as a canvas understands it.
    color(name) {
      probe.style.setProperty("color", `var(${name})`);
      return getComputedStyle(probe).color;
    },
    background: () => getComputedStyle(probe).backgroundColor,
    // The box of the trait `text`, or of another one, where Python or the page answers it.
    asks(label, isEager = false, { trait = "text", ...properties } = {}) {
      if (!model.get("is_live")) return;
      const box = textBox((text) => {
        model.set(trait, text);
        model.save_changes();
      }, { isEager, "aria-label": label, ...properties });
      controls.append(h("label", {}, `${label} `, box));
      ui.watch(trait, () => { if (box.value !== (model.get(trait) ?? "")) box.value = model.get(trait) ?? ""; });
    },
    pins: pinsOf(model),
    destroy() {
      for (const step of undo.splice(0)) step();
      root.replaceChildren();
    },
  };
  if (model.get("is_live")) {
    ui.watch("problem", () => {
      ui.problem(model.get("problem"));
      if (!keeps) for (const part of [picture, sentence, below, foot]) part.hidden = Boolean(model.get("problem"));
    });
    // ipywidgets tells of a restart; a kernel that has crashed or was shut down only its own signal, where there is one.
    const lost = () => ui.problem(GONE);
    const { statusChanged, disposed } = model.widget_manager?.kernel ?? {};
    const heard = (_, status) => /restarting|dead|terminating/.test(status) && lost();
    model.on("comm_live_update", lost);
    statusChanged?.connect(heard);
    disposed?.connect(lost);
    undo.push(() => model.off("comm_live_update", lost), () => statusChanged?.disconnect(heard), () => disposed?.disconnect(lost));
  }
  return ui;
}

export function tableElement({ caption, columns, rows }) {
  const cell = (tag, scope) => (text) => h(tag, scope ? { scope } : {}, h("bdi", {}, text));
  return h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, ...columns.map(cell("th", "col")))),
    h("tbody", {}, ...rows.map(([first, ...others]) =>
      h("tr", {}, cell("th", "row")(first), ...others.map(cell("td"))))));
}

// At most two pins, kept in the trait `pins`: the first is looked at, a second is compared with it.
export function pinned(pins, target) {
  const same = (pin) => JSON.stringify(pin) === JSON.stringify(target);
  if (pins.some(same)) return pins.filter((pin) => !same(pin));
  return [...pins.slice(0, 1), target];
}

function pinsOf(model) {
  const set = (pins) => {
    model.set("pins", pins);
    model.save_changes();
  };
  return {
    get list() {
      return model.get("pins") ?? [];
    },
    toggle(target) {
      set(pinned(this.list, target));
    },
    clear() {
      if (this.list.length) set([]);
    },
  };
}

// Where arrow keys lead among `count` things in rows of `columns`; null for other keys.
export function rovingStep(key, index, count, columns) {
  const to = { ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: index - columns, ArrowDown: index + columns,
    Home: 0, End: count - 1 }[key];
  if (to === undefined) return null;
  return to >= 0 && to < count ? to : index;
}

// One tab stop for many items; arrows move, Enter or Space pins, Esc unpins. `step(key, index)` may say where arrows lead.
export function roving(box, { columns = () => 1, step, move = () => {}, pin = () => {}, unpin = () => {}, keys = {} } = {}) {
  const items = () => [...box.querySelectorAll("[data-index]")];
  const focus = (index) => {
    for (const item of items()) item.tabIndex = Number(item.dataset.index) === index ? 0 : -1;
    const item = items()[index];
    item?.focus({ preventScroll: true });
    item?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  box.addEventListener("keydown", (event) => {
    const item = event.target.closest?.("[data-index]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = Number(item.dataset.index);
    const to = step ? step(event.key, index) : rovingStep(event.key, index, items().length, columns());
    if (to !== null) {
      focus(to);
      move(to);
    } else if (event.key === "Enter" || event.key === " ") pin(index);
    else if (event.key === "Escape") unpin();
    else if (keys[event.key]) keys[event.key](index);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { focus };
}

// Predict mode: a question, buttons to guess, and nothing revealed before one is clicked.
// `options`: labels; `answer()`: {text, isRight} for a guess; `done` / `next`: what the two buttons after it do.
export function guess({ question, options, judge, revealed, next, leave }) {
  const verdict = h("p", { class: "verdict", role: "status" });
  const after = h("span", { hidden: true }, h("button", { type: "button", onclick: next }, "next question"), " ");
  const buttons = options.map((label, index) =>
    h("button", { type: "button", class: "option", "data-index": index, tabindex: index ? -1 : 0,
      onclick: () => choose(index) }, h("bdi", {}, label)));
  const choose = (index) => {
    if (!after.hidden) return;
    const { text, right } = judge(index);
    verdict.textContent = text;
    buttons[index].classList.add(index === right ? "right" : "wrong");
    buttons[index].append(index === right ? " ✓" : " ✗");
    if (index !== right) {
      buttons[right].classList.add("right");
      buttons[right].append(" ✓");
    }
    after.hidden = false;
    revealed(index);
  };
  const list = h("div", { class: "options", role: "group", "aria-label": question }, ...buttons);
  roving(list, { pin: choose, unpin: leave });
  return h("div", { class: "guess" }, h("p", { class: "question" }, question), list, verdict, after,
    h("button", { type: "button", onclick: leave }, "leave predict mode"));
}
