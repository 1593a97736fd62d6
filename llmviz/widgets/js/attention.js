// AttentionExplorer: all heads, and each token's looks in the chosen one.
import { frame, guess, h, unpack } from "./base.js";
import { attentionAnswer, openAttention } from "./attention_answer.js";
import { optionsOf, questionsOf, readViews } from "./attention_data.js";
import { headsPart, linesPart, lossesPart, mapPart, stepsPart } from "./attention_parts.js";
import { cellOf, codeLine, headName, headTable, quoted, shownWeight, wholeSentence } from "./attention_words.js";
import { ATTENTION_LOOK } from "./attention_look.js";

// From this width on heads and losses stand left, lines and map right, all on one screen.
const [SIDE_BY_SIDE, LEFT_LEAST, GAP, HIGHEST] = [640, 290, 14, 440];
const within = (place, size) => Math.min(Math.max(0, place), size - 1);

function render({ model, el }) {
  const ui = frame({ model, el, title: "Attention explorer", css: ATTENTION_LOOK });
  let views = {};
  let payload = null;
  let version = 0;
  let width = 0;
  let target = null;
  let hides = false;

  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const data = () => (Object.hasOwn(views, model.get("view")) ? views[model.get("view")] : views.one);
  const point = (where) => {
    const same = JSON.stringify(where) === JSON.stringify(target);
    target = where;
    if (!same) refresh();
  };
  const chosen = () => ({ layer: within(model.get("layer"), data().layers), head: within(model.get("head"), data().heads) });
  const pinIt = (where) => ui.pins.toggle({ ...chosen(), view: model.get("view"), ...where });
  const unpin = () => {
    target = null;
    ui.pins.clear();
    refresh();
  };
  const choose = (index) => set({ layer: Math.floor(index / data().heads), head: index % data().heads });
  const toggleHead = (index = chosen().layer * data().heads + chosen().head) => {
    if (!model.get("is_live")) return;
    const place = [Math.floor(index / data().heads), index % data().heads];
    const off = model.get("ablate_heads") ?? [];
    const rest = off.filter((one) => one.join() !== place.join());
    set({ ablate_heads: rest.length < off.length ? rest : [...off, place] });
  };

  const hooks = { point, pin: pinIt, unpin };
  const heads = headsPart({ choose, toggle: toggleHead, pin: () => pinIt({ query: null, key: null }), unpin });
  const lines = linesPart(hooks);
  const map = mapPart(hooks);
  const steps = stepsPart();
  const losses = lossesPart({ point: (position) => point(position == null || position < 1 || position >= data().n ? null : { query: position, key: null }) });
  const controls = controlsOf({ model, set, toggleHead });
  const title = h("p", { class: "chosen" });
  const left = h("div", { class: "left-half" }, heads.element, losses.element);
  const both = h("div", { class: "both" }, left, h("div", { class: "right-half" }, title, h("div", { class: "pair" }, lines.element, map.element)));
  const question = h("div", { class: "asked", hidden: true });
  ui.asks("sentence", true);
  ui.controls.append(...controls.elements);
  ui.picture.append(question, both);
  ui.foot.append(steps.element);

  const colors = { first: "#d55e00", strong: "#d55e00", more: "#b2182b", less: "#2166ac" };
  const stateNow = () => {
    const last = data().n - 1;
    const fits = (pin) => views[pin.view] && pin.layer === within(pin.layer, data().layers) && pin.head === within(pin.head, data().heads) &&
      [pin.query ?? 0, pin.key ?? 0].every((place) => place === within(place, data().n));
    const where = target && Math.max(target.query ?? 0, target.key ?? 0) <= last ? target : null;
    return {
      ...chosen(),
      view: Object.hasOwn(views, model.get("view")) ? model.get("view") : "one", threshold: model.get("threshold"),
      target: where && { ...chosen(), ...where },
      pins: ui.pins.list.filter(fits), off: model.get("ablate_heads") ?? [], scores: payload.scores, names: payload.names,
      ink: ui.ink(), colors: { ...colors, second: ui.color("--second") },
      version,
    };
  };

  function refresh() {
    if (!width || !views.one || hides) return;
    const state = stateNow();
    const now = data();
    const wide = width >= SIDE_BY_SIDE;
    both.classList.toggle("narrow", !wide);
    heads.update(now, state);
    const leftWidth = wide ? Math.max(heads.element.offsetWidth, payload.losses ? LEFT_LEAST : 0) : width;
    const room = wide ? width - leftWidth - GAP : width;
    const mapWidth = wide ? Math.min(Math.round(room * 0.63), HIGHEST) : width;
    const lineWidth = wide ? room - mapWidth - GAP : width;
    left.style.flexBasis = `${leftWidth}px`;
    lines.update(now, { ...state, pins: state.pins.filter((pin) => pin.layer === state.layer && pin.head === state.head) }, lineWidth);
    map.update(now, state, mapWidth);
    losses.update(views.one, payload.losses, state, leftWidth);
    steps.update(now, payload.query_key, state);
    const isOff = state.off.some(([layer, head]) => layer === state.layer && head === state.head);
    const span = now.isDifference ? now.range : 1;
    const ends = now.isDifference ? [`−${span.toFixed(2)}`, `+${span.toFixed(2)}`] : ["0", "1"];
    title.replaceChildren(`${headName(state.layer, state.head)}${isOff ? " · switched off" : ""}${state.view === "one" ? "" : ` · ${payload.names[state.view]}`}`,
      h("span", { class: "scale" }, ends[0], h("span", { class: now.isDifference ? "ramp changes" : "ramp" }), ends[1]));
    controls.update(state, views);
    ui.say(wholeSentence(views, state));
    ui.table(() => headTable(now, state.layer, state.head));
    const spoken = state.target ?? state.pins[0] ?? { layer: state.layer, head: state.head };
    ui.code(now.isDifference ? "" : codeLine(state.view === "other" ? payload.compare.code : payload.code, views[state.target ? state.view : spoken.view ?? state.view], cellOf(now, spoken)));
  }

  const tally = { asked: 0, right: 0, turn: 0 };
  const showPicture = (shown) => {
    hides = !shown;
    both.hidden = !shown;
    if (!shown) steps.element.hidden = true;
    ui.locked(!shown);
  };
  function ask() {
    const { layer, head } = chosen();
    const questions = questionsOf(views.one, layer, head);
    if (!questions.length) {
      question.replaceChildren(h("p", {}, "There is nothing to guess here: no token has a choice."),
        h("button", { type: "button", onclick: () => set({ predict: false }) }, "leave predict mode"));
    } else {
      const { query } = questions[tally.turn++ % questions.length];
      question.replaceChildren(textWith(views.one, query), questionBox(layer, head, query));
    }
    question.hidden = false;
    showPicture(false);
    ui.say("The picture is hidden until you have guessed.");
  }
  function questionBox(layer, head, query) {
    const now = views.one;
    const keys = optionsOf(now, layer, head, query);
    const weights = keys.map((key) => now.weight(layer, head, query, key));
    const right = weights.indexOf(Math.max(...weights));
    return guess({
      question: `In ${headName(layer, head)}, which token does ${quoted(now, query)} look at most?`,
      options: keys.map((key) => `${key} ${now.labels[key]}`),
      judge(index) {
        tally.asked += 1;
        tally.right += weights[index] === weights[right] ? 1 : 0;
        const said = (one) => `${quoted(now, keys[one])}: ${shownWeight(now, weights[one])}`;
        const score = ` ${tally.right} of ${tally.asked} right so far.`;
        if (weights[index] === weights[right]) return { right: index, text: `Yes. ${said(index)}.${score}` };
        return { right, text: `You said ${said(index)}. Most goes to ${said(right)}.${score}` };
      },
      revealed() {
        showPicture(true);
        target = { query, key: null };
        refresh();
      },
      next() {
        ask();
        question.querySelector(".option")?.focus();
      },
      leave: () => set({ predict: false }),
    });
  }

  ui.watch("payload", () => {
    payload = { ...model.get("payload") };
    if (payload.losses) {
      const { values, all_on, sentence } = payload.losses;
      payload.losses = { sentence, now: [...unpack(values)], before: all_on && [...unpack(all_on)] };
    }
    views = readViews(payload);
    version += 1;
    if (hides) ask();
    else refresh();
  });
  ui.watch("predict", () => {
    target = null;
    if (model.get("predict")) ask();
    else {
      const wasInside = question.contains(ui.root.activeElement);
      question.hidden = true;
      question.replaceChildren();
      showPicture(true);
      if (wasInside) controls.predict.focus();
      refresh();
    }
  });
  ui.watch(["layer", "head", "threshold", "pins", "view", "ablate_heads"], refresh);
  ui.onTheme(refresh);
  ui.onResize((now) => {
    width = now;
    refresh();
  });
  return ui.destroy;
}

// The whole text, with one token marked: what a guess needs to know, and no more.
function textWith(data, query) {
  return h("p", { class: "text" }, ...data.labels.map((label, index) => h("span", { class: index === query ? "marked" : "" }, h("bdi", {}, label), " ")));
}

// View, threshold, predict; and where Python answers the switch of a head.
function controlsOf({ model, set, toggleHead }) {
  const switchOff = h("button", { type: "button", onclick: () => toggleHead() }, "switch this head off");
  const allOn = h("button", { type: "button", onclick: () => set({ ablate_heads: [] }) }, "all heads on");
  const views = h("label", { hidden: true }, "show ", h("select", { onchange: (event) => set({ view: event.target.value }) }));
  const shown = h("output", {});
  const slider = h("input", { type: "range", min: "0", max: "1", step: "0.01", value: model.get("threshold"),
    oninput: (event) => set({ threshold: Number(event.target.value) }) });
  const predict = h("button", { type: "button", onclick: () => set({ predict: !model.get("predict") }) }, "predict first");
  let names = "";
  return {
    predict,
    elements: [...(model.get("is_live") ? [switchOff, allOn] : []), views, h("label", {}, "lines from ", slider, shown), predict],
    update({ threshold, view, off, layer, head, names: called }, all) {
      shown.textContent = threshold.toFixed(2);
      slider.value = threshold;
      views.hidden = !all.other;
      const select = views.querySelector("select");
      if (JSON.stringify(called) !== names) {
        names = JSON.stringify(called);
        select.replaceChildren(...Object.keys(all).map((name) => h("option", { value: name }, called?.[name] ?? name)));
      }
      select.value = view;
      const isOff = off.some(([l, n]) => l === layer && n === head);
      switchOff.textContent = isOff ? "switch this head on" : "switch this head off";
      switchOff.setAttribute("aria-pressed", isOff);
      allOn.hidden = !off.length;
    },
  };
}

export default { render, open: openAttention, answer: attentionAnswer, answersTo: ["text", "ablate_heads"],
  shared: { text: "text", ablate_heads: "pairs", layer: "count", head: "count", threshold: "number", view: "name" } };
