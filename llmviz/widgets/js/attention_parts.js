// The parts of the attention explorer: thumbnails, lines, map, steps, losses. Each draws, and says what was pointed at.
import { h, placeIn, roving, tableElement } from "./base.js";
import { attentionSteps, vectorsOf } from "./attention_data.js";
import { mapLayout, paintLines, paintMap, paintMarks, paintPixels, sharpen } from "./attention_paint.js";
import { cellOf } from "./attention_words.js";

// All heads, a row for each layer. Arrows or a click choose one, Enter pins it, `x` switches it off where Python answers.
export function headsPart({ choose, toggle, pin, unpin }) {
  const box = h("div", { class: "heads", role: "radiogroup", "aria-label": "heads, a row for each layer" });
  const element = h("div", { class: "headbox" }, box);
  let shape = null;
  let [painted, paintedWith] = [null, ""];
  let inView = null;
  roving(box, { columns: () => shape.heads, move: choose, pin, unpin, keys: { x: toggle } });
  const build = (data) => {
    shape = { layers: data.layers, heads: data.heads, side: Math.round(Math.max(26, Math.min(64, 300 / data.heads - 12, Math.max(30, 160 / data.layers)))) };
    box.style.setProperty("--thumb", `${shape.side}px`);
    box.style.gridTemplateColumns = `auto repeat(${data.heads}, max-content)`;
    const cells = [];
    for (let layer = 0; layer < data.layers; layer++) {
      cells.push(h("span", { class: "layer", "aria-hidden": "true" }, shape.side < 40 ? `L${layer}` : `layer ${layer}`));
      for (let head = 0; head < data.heads; head++) {
        const index = layer * data.heads + head;
        cells.push(h("button", { type: "button", class: "thumb", role: "radio", "data-index": index, onclick: () => choose(index) },
          h("canvas", { class: "hatched" }), h("span", { class: "role", "aria-hidden": "true" })));
      }
    }
    box.replaceChildren(...cells);
  };
  const short = (role) => (shape.side < 56 ? role.name[0].toUpperCase() : `${role.name.split(" ")[0]} ${role.score.toFixed(1)}`);
  const repaint = (data, scores, ink) => box.querySelectorAll(".thumb").forEach((thumb, index) => {
    const [layer, head] = [Math.floor(index / data.heads), index % data.heads];
    const role = strongestRole(scores, layer, head);
    paintPixels(thumb.firstChild, data, layer, head, ink);
    thumb.lastChild.textContent = role ? short(role) : "\u00a0";
    thumb.title = `layer ${layer}, head ${head}${role ? `, ${role.name} ${role.score.toFixed(2)}` : ""}`;
  });
  // Thirty layers do not fit: scroll to a newly chosen head, inside the box only.
  const bringIntoView = (index) => {
    const [seen, thumb] = [element, box.querySelectorAll(".thumb")[index]].map((one) => one.getBoundingClientRect());
    if (index === inView || !seen.height) return;
    inView = index;
    if (thumb.top < seen.top) element.scrollTop -= seen.top - thumb.top;
    else if (thumb.bottom > seen.bottom) element.scrollTop += thumb.bottom - seen.bottom;
  };
  return {
    element,
    update(data, { layer, head, scores, off, pins, ink }) {
      if (shape?.layers !== data.layers || shape?.heads !== data.heads) build(data);
      if (painted !== data || paintedWith !== ink) repaint((painted = data), scores, (paintedWith = ink));
      box.querySelectorAll(".thumb").forEach((thumb, index) => {
        const chosen = index === layer * data.heads + head;
        const isOff = off.some(([l, n]) => l * data.heads + n === index);
        thumb.setAttribute("aria-checked", chosen);
        thumb.setAttribute("aria-label", `${thumb.title}${isOff ? ", switched off" : ""}`);
        thumb.tabIndex = chosen ? 0 : -1;
        thumb.classList.toggle("off", isOff);
        const mark = pins.findIndex((one) => one.query == null && one.key == null && one.layer * data.heads + one.head === index);
        if (mark < 0) thumb.removeAttribute("data-pin");
        else thumb.dataset.pin = mark + 1;
      });
      bringIntoView(layer * data.heads + head);
    },
  };
}

// The role with the highest score, if it is worth a name.
export function strongestRole(scores, layer, head) {
  const [best] = Object.entries(scores ?? {}).map(([name, of]) => ({ name, score: of[layer][head] }))
    .sort((a, b) => b.score - a.score);
  return best && best.score >= 0.4 ? best : null;
}

// Two columns of the same tokens, left as they look, right as they are looked at, with lines between.
export function linesPart({ point, pin, unpin }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const [left, right] = [h("div", { class: "side left" }), h("div", { class: "side right" })];
  const rows = h("div", { class: "rows", role: "group", "aria-label": "tokens: left as they look, right as they are looked at" },
    left, canvas, right);
  const element = h("div", { class: "lines" },
    h("div", { class: "heading", "aria-hidden": "true" }, h("span", {}, "looks →"), h("span", {}, "→ looked at")), rows);
  let data = null;
  const targetOf = (index) => (index < data.n ? { query: index, key: null } : { query: null, key: index - data.n });
  const focus = roving(rows, {
    step: (key, index) => {
      const [side, row] = [Math.floor(index / data.n), index % data.n];
      const to = { ArrowLeft: [0, row], ArrowRight: [1, row], ArrowUp: [side, Math.max(0, row - 1)],
        ArrowDown: [side, Math.min(data.n - 1, row + 1)], Home: [side, 0], End: [side, data.n - 1] }[key];
      return to ? to[0] * data.n + to[1] : null;
    },
    move: (index) => point(targetOf(index)), pin: (index) => pin(targetOf(index)), unpin,
  });
  for (const [kind, meant] of [["pointerover", true], ["focusin", true]]) {
    rows.addEventListener(kind, (event) => {
      const item = event.target.closest?.("[data-index]");
      if (item) point(meant && targetOf(Number(item.dataset.index)));
    });
  }
  rows.addEventListener("pointerleave", () => point(null));
  rows.addEventListener("focusout", (event) => rows.contains(event.relatedTarget) || point(null));
  rows.addEventListener("click", (event) => {
    const item = event.target.closest?.("[data-index]");
    if (item) pin(targetOf(Number(item.dataset.index)));
  });
  return {
    element, focus,
    update(views, { layer, head, threshold, target, pins, ink, colors }, width) {
      const now = views;
      const rowHeight = now.n <= 19 ? 19 : 14; // 26 tokens, as in lesson 3, are seen at once
      if (data !== now) {
        data = now;
        rows.style.setProperty("--row", `${rowHeight}px`);
        const column = (start, verb) => data.labels.map((label, index) =>
          h("div", { class: "token", role: "button", "data-index": start + index, tabindex: start + index ? -1 : 0,
            "aria-label": `“${label}”, position ${index}, ${verb}`, title: label }, h("bdi", {}, label)));
        left.replaceChildren(...column(0, "looks"));
        right.replaceChildren(...column(data.n, "is looked at"));
      }
      const meant = target ?? pins.find((one) => one.query != null || one.key != null) ?? null;
      const around = (token, index) => {
        const is = (mark) => mark && (index < data.n ? mark.query === index : mark.key === index - data.n);
        token.classList.toggle("pointed", Boolean(is(target)));
        token.classList.toggle("pin1", Boolean(is(pins[0])));
        token.classList.toggle("pin2", Boolean(is(pins[1])));
        token.setAttribute("aria-pressed", Boolean(is(pins[0]) || is(pins[1])));
      };
      [...left.children, ...right.children].forEach(around);
      paintLines(canvas, { width: Math.max(60, Math.round(width * 0.32)), rowHeight }, data, layer, head, { threshold, target: meant, ink, colors });
    },
  };
}

// The chosen head as a map: arrows move, Enter pins, Esc unpins.
export function mapPart({ point, pin, unpin }) {
  const base = h("canvas", { "aria-hidden": "true" });
  const marks = h("canvas", { class: "marks", "aria-hidden": "true" });
  const element = h("div", { class: "map", tabindex: "0", role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": "map: rows look, columns are looked at; arrow keys move, Enter pins, Escape unpins" }, base, marks);
  let layout = null;
  let key = "";
  let cursor = null;
  const at = (event) => layout.cellAt(...placeIn(base, event));
  element.addEventListener("pointermove", (event) => point(at(event)));
  element.addEventListener("pointerleave", () => point(null));
  element.addEventListener("click", (event) => {
    const cell = at(event);
    if (cell) pin((cursor = cell));
  });
  element.addEventListener("blur", () => point(null));
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = layout.n - 1;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -last], End: [0, last] };
    if (moves[event.key]) {
      const [down, across] = moves[event.key];
      const inside = (value) => Math.min(last, Math.max(0, value));
      const from = cursor ?? { query: last - down, key: -across };
      cursor = { query: inside(from.query + down), key: inside(from.key + across) };
      point(cursor);
    } else if (event.key === "Enter" || event.key === " ") pin(cursor ?? { query: last, key: 0 });
    else if (event.key === "Escape") unpin();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    element,
    update(data, { layer, head, view, target, pins, ink, colors, version }, width) {
      const now = [version, layer, head, view, width, ink].join();
      if (now !== key) {
        key = now;
        layout = mapLayout(width, data.n);
        if (cursor && Math.max(cursor.query, cursor.key) >= data.n) cursor = null;
        paintMap(base, layout, data, layer, head, ink);
      }
      const here = pins.filter((pin) => pin.layer === layer && pin.head === head && pin.view === view);
      const frames = here.map((pin) => ({ ...pin, color: pin === pins[0] ? colors.first : colors.second, dashed: pin !== pins[0], number: pins.length > 1 ? pins.indexOf(pin) + 1 : "" }));
      paintMarks(marks, layout, target ? [...frames, { ...target, color: colors.first, dashed: false }] : frames);
    },
  };
}

// How one query comes to its weights: q·k, divided by √d, masked, softmax; and the products behind one q·k.
export function stepsPart() {
  const said = h("p", {});
  const bars = h("canvas", { role: "img" });
  const holder = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "steps for all keys" });
  const element = h("details", { class: "steps", hidden: true }, h("summary", {}, "step by step: q·k → ÷ √d → mask → softmax"), said, bars, holder);
  let last = () => {};
  element.addEventListener("toggle", () => last());
  return {
    element,
    update(data, packed, state) {
      element.hidden = !packed || state.view !== "one";
      last = () => element.open && !element.hidden && draw(data, packed, state);
      last();
    },
  };
  function draw(data, packed, { target, pins, layer, head, ink, colors }) {
    const { query, key } = cellOf(data, { ...(target ?? pins.find((pin) => pin.layer === layer && pin.head === head) ?? {}), layer, head });
    const vectors = vectorsOf(packed, layer, head);
    const steps = attentionSteps(vectors.query[query], vectors.key, (place) => data.allowed(query, place));
    const d = vectors.query[query].length;
    const step = steps[key];
    said.textContent = `“${data.labels[query]}” asks, “${data.labels[key]}” answers: q·k = ${step.product.toFixed(2)}, ` +
      `÷ √${d} = ${step.scaled.toFixed(2)}, ${step.allowed ? `after the softmax over its row ${step.weight.toFixed(data.digits)}` : "masked: −∞, so 0"}. ` +
      `Below: q, k and their products, number by number.`;
    bars.setAttribute("aria-label", said.textContent);
    paintProducts(bars, vectors.query[query], vectors.key[key], ink, colors);
    holder.replaceChildren(tableElement({
      caption: `The row of “${data.labels[query]}” (position ${query})`,
      columns: ["key", "q·k", "÷ √d", "mask", "softmax"],
      rows: steps.map((one, place) => [`${place} ${data.labels[place]}`, one.product.toFixed(2), one.scaled.toFixed(2),
        one.allowed ? "may look" : "−∞", one.weight.toFixed(data.digits)]),
    }));
    holder.querySelectorAll("tbody tr").forEach((row, place) => {
      row.classList.toggle("hatched", !steps[place].allowed);
      row.classList.toggle("chosen", place === key);
      row.lastChild.style.setProperty("background-image", `linear-gradient(90deg, ${colors.second} ${100 * steps[place].weight}%, transparent 0)`);
      row.lastChild.className = "bar";
    });
  }
}

function paintProducts(canvas, query, key, ink, colors) {
  const [row, left, width] = [34, 46, Math.max(180, Math.min(520, canvas.parentElement.clientWidth - 20))];
  const pen = sharpen(canvas, width, 3 * row + 6);
  const step = (width - left) / query.length;
  pen.font = "12px sans-serif";
  pen.textBaseline = "middle";
  [["q", query], ["k", key], ["q × k", query.map((number, index) => number * key[index])]].forEach(([name, numbers], line) => {
    const middle = (line + 0.5) * row + 3;
    const top = Math.max(...numbers.map(Math.abs)) || 1;
    pen.fillStyle = ink;
    pen.fillText(name, 2, middle);
    pen.globalAlpha = 0.4;
    pen.fillRect(left, middle, width - left, 1);
    pen.globalAlpha = 1;
    numbers.forEach((number, index) => {
      pen.fillStyle = number < 0 ? colors.first : colors.second;
      pen.fillRect(left + index * step, middle, Math.max(1, step - 1), (-number / top) * (row / 2 - 2));
    });
  });
}

// How surprised the model is at each token, in nats; with heads off, a mark shows what it was with all heads on.
export function lossesPart({ point }) {
  const said = h("p", { class: "loss", role: "status" });
  const canvas = h("canvas", { role: "img" });
  const element = h("div", { class: "losses", hidden: true }, said, canvas);
  let step = 0;
  canvas.addEventListener("pointermove", (event) => point(Math.floor((placeIn(canvas, event)[0] - 34) / step) + 1));
  canvas.addEventListener("pointerleave", () => point(null));
  return {
    element,
    update(data, losses, { target, ink, colors }, width) {
      element.hidden = !losses;
      if (!losses) return;
      const { now, before } = losses;
      said.textContent = losses.sentence;
      canvas.setAttribute("aria-label", losses.sentence);
      const [left, height, names] = [34, 62, 48];
      const pen = sharpen(canvas, width, height + names);
      const top = Math.max(0.5, ...now, ...(before ?? []));
      step = Math.min(34, (width - left) / now.length);
      pen.font = "11px sans-serif";
      pen.fillStyle = ink;
      pen.textAlign = "right";
      pen.textBaseline = "middle";
      pen.fillText(top.toFixed(1), left - 5, 8);
      pen.fillText("0", left - 5, height);
      pen.fillText("nats", left - 5, height / 2);
      pen.globalAlpha = 0.35;
      pen.fillRect(left, height, step * now.length, 1);
      now.forEach((loss, index) => {
        const tall = (number) => (number / top) * (height - 6);
        const chosen = target && (target.query === index + 1 || target.key === index + 1);
        pen.globalAlpha = chosen ? 1 : 0.8;
        pen.fillStyle = colors.second;
        pen.fillRect(left + index * step + 1, height - tall(loss), Math.max(1, step - 3), tall(loss));
        if (before) {
          pen.globalAlpha = 1;
          pen.fillStyle = colors.first;
          pen.fillRect(left + index * step, height - tall(before[index]) - 1, Math.max(2, step - 1), 3);
        }
        if (step < 9 && !chosen) return;
        pen.save();
        pen.fillStyle = ink;
        pen.globalAlpha = 1;
        pen.font = `${chosen ? "bold " : ""}11px sans-serif`;
        pen.translate(left + (index + 0.5) * step, height + 5);
        pen.rotate(Math.PI / 2.6);
        pen.textAlign = "left";
        pen.fillText([...data.labels[index + 1]].slice(0, 7).join(""), 0, 0);
        pen.restore();
      });
    },
  };
}
