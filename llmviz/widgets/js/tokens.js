// TokenExplorer: a score with one line for each tokenizer, its blocks below the letters they stand for.
import { frame, guess, h } from "./base.js";
import {
  bandsOf, blocksOf, breakCosts, columnWidths, graphemeLabel, guesses, hex, isHex, labelOf, mergesAt, readTokens,
  sliderSteps, stepAt, tokenAt, tokensAt, treeOf,
} from "./tokens_data.js";
import { knowsTokens, openTokens, tokensAnswer } from "./tokens_answer.js";

const TOKENS_CSS = `
.bands { display: grid; gap: 10px; max-height: 320px; overflow-y: auto; font: 14px/1.3 var(--jp-code-font-family, ui-monospace, monospace); }
.band { overflow: hidden; contain: content; }
.row { display: flex; align-items: flex-start; margin-bottom: 3px; }
.rowname { flex: none; width: 104px; font: 12px/1.2 var(--jp-ui-font-family, system-ui, sans-serif); padding: 3px 8px 3px 0;
  align-self: center; overflow-wrap: anywhere; }
.row.wrapped { flex-wrap: wrap; } .rowname.above { width: 100%; padding-bottom: 0; }
.letter { flex: none; unicode-bidi: plaintext; text-align: center; white-space: pre; padding: 1px 0; }
.letter.lit { background: var(--faint); font-weight: 700; box-shadow: inset 0 -2px 0 var(--accent); }
.block { flex: none; display: flex; flex-wrap: wrap; border: 1px solid var(--line); justify-content: center; }
.block.token { display: block; flex: none; }
.block.goeson { border-right-style: dotted; }
.block.goneson { border-left-style: dotted; }
.token { flex: 1 1 0; min-width: min-content; text-align: center; unicode-bidi: plaintext; cursor: pointer;
  padding: 1px 2px; white-space: pre; line-height: 1.25; }
.block > .token + .token { border-left: 1px dashed var(--line); }
.token.even { background: rgb(0 114 178 / 20%); }
.token.odd { background: rgb(230 159 0 / 24%); }
.token.broken { background-image: var(--hatch); font-size: 11px; }
.token .id { display: block; font-size: 10px; opacity: .75; font-variant-numeric: tabular-nums; }
.token.lit { box-shadow: inset 0 0 0 2px var(--line); }
.token.pin1, .token.pin2 { position: relative; }
.token.pin1 { box-shadow: inset 0 0 0 2px var(--accent); } .token.pin2 { box-shadow: inset 0 0 0 2px var(--second); }
.token.pin1::before, .token.pin2::before { position: absolute; top: -2px; left: 1px; font-size: 10px; content: "①"; }
.token.pin2::before { content: "②"; }
.token:focus-visible { outline-offset: -2px; }
.hidden-row { flex: none; font: 12px var(--jp-ui-font-family, system-ui); opacity: .75; padding: 3px; border: 1px dashed var(--line);
  border-radius: 4px; }
.bill { display: grid; grid-template-columns: max-content minmax(0, max-content) minmax(14px, 1fr); gap: 0 12px; align-items: center; margin: 6px 0 2px; line-height: 1.3; }
.bar { height: 12px; background: color-mix(in srgb, #0072b2 55%, transparent); border: 1px solid var(--line); border-radius: 2px; }
.count { text-align: right; font-variant-numeric: tabular-nums; }
.elsewhere { grid-column: 1 / -1; font-size: 12px; opacity: .85; }
.details { display: flex; flex-wrap: wrap; gap: 8px 26px; margin-top: 4px; height: 92px; overflow: auto; align-content: start; }
.card { display: flex; flex-wrap: wrap; gap: 0 14px; border-left: 3px solid var(--line); padding-left: 9px; max-width: 100%;
  overflow-x: auto; align-items: start; }
.card.pin1 { border-color: var(--accent); } .card.pin2 { border-color: var(--second); }
.card p { margin: 1px 0; overflow-wrap: anywhere; }
.tree, .tree div { display: flex; }
.tree { font: 12px/1.2 var(--jp-code-font-family, ui-monospace, monospace); margin-top: 4px; width: max-content; }
.node { flex-direction: column; align-items: center; border: 1px solid var(--line); border-radius: 4px; padding: 0 3px 2px;
  margin: 1px; white-space: pre; }
.leaf { padding: 0 3px; white-space: pre; }
.hint { font-size: 12px; opacity: .8; }
@media (max-width: 600px) { .bands { max-height: none; } }
`;
const NAME_WIDTH = 104;
const PADDING = 8;
const SPACE = 32;

function measurer(box) {
  const context = h("canvas").getContext("2d");
  const known = new Map();
  let font = "";
  return (label, size = 14) => {
    font ||= getComputedStyle(box).fontFamily;
    const key = `${size} ${label}`;
    if (!known.has(key)) {
      context.font = `${size}px ${font}`;
      known.set(key, context.measureText(label).width);
    }
    return known.get(key);
  };
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Token explorer", css: TOKENS_CSS });
  const bands = h("div", { class: "bands", role: "group", "aria-label": "the text, and its tokens under each tokenizer" });
  const bill = h("div", { class: "bill", role: "group", "aria-label": "token bill" });
  const details = h("div", { class: "details" });
  const quiz = h("div", { class: "quiz" });
  const slider = h("input", { type: "range", min: 0, "aria-label": "merges", "data-lm-suppress-shortcuts": "true" });
  const sliderText = h("span", { class: "note" });
  const sliderBox = h("label", {}, "merges ", slider, sliderText);
  const idsBox = h("input", { type: "checkbox" });
  const askButton = h("button", { type: "button" }, "predict");
  ui.asks("text", true);
  ui.controls.append(sliderBox, h("label", {}, idsBox, "ids"), askButton);
  ui.picture.append(quiz, bands, bill);
  ui.picture.after(details);

  const width = measurer(bands);
  const state = { data: null, cut: [], asked: null, look: null, items: [], room: 0 };
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const isHidden = (row) => state.asked !== null && row >= state.asked;

  // --- the picture ---
  function blocksOfRows() {
    return state.data.rows.map((row, number) =>
      (isHidden(number) ? [] : blocksOf(state.cut[number], state.data.ends)));
  }

  function widthOfToken(token) {
    const label = width(token.label, isHex(token.label) ? 11 : 14);
    return PADDING + (model.get("ids") ? Math.max(label, width(String(token.id), 10)) : label);
  }

  function draw() {
    const { data } = state;
    state.room ||= bands.clientWidth; // asked for at every step, it would cost a layout each time
    const room = Math.max(180, state.room || 860);
    const narrow = room < 600;
    const names = narrow ? 0 : NAME_WIDTH;
    const blocks = blocksOfRows();
    const shown = Array.from(data.ends, (end, index) => graphemeLabel(data.bytes.subarray(data.starts[index], end)));
    const most = room - names - 4;
    const needs = blocks.flatMap((list, row) => list.map((block) => {
      const widths = block.tokens.map((index) => widthOfToken(state.cut[row][index]) + 1);
      const all = widths.reduce((sum, one) => sum + one, 6);
      return [block.first, block.last, Math.min(all, Math.max(...widths, most / 3))];
    }));
    const widths = columnWidths(shown.map((letter) => Math.min(most, width(letter) + 2)), needs).map((one) => Math.min(one, most));
    const costs = breakCosts(blocks, widths.length);
    const splitsWord = (place) => data.bytes[data.starts[place]] !== SPACE;
    const lines = bandsOf(widths, most, (place) => costs[place] + (splitsWord(place) ? 0.5 : 0));
    const focused = ui.root.activeElement?.dataset?.index;
    state.items = [];
    const dir = data.right_to_left ? "rtl" : "ltr";
    const widthOf = (from, to) => `${widths.subarray(from, to).reduce((sum, one) => sum + one, 0).toFixed(1)}px`;
    bands.replaceChildren(...lines.map(([first, end]) => h("div", { class: "band", dir },
      rowElement("", narrow, Array.from({ length: end - first }, (_, index) =>
        h("span", { class: "letter", "data-column": first + index, "aria-hidden": "true",
          style: { width: `${widths[first + index].toFixed(1)}px` } }, shown[first + index]))),
      ...data.rows.map((row, number) => rowElement(row.name, narrow, isHidden(number)
        ? [h("span", { class: "hidden-row", style: { width: widthOf(first, end) } }, "?")]
        : blocks[number].filter((block) => block.last >= first && block.first < end)
          .map((block) => blockElement(block, number, first, end, widthOf)))))));
    if (focused !== undefined) bands.querySelector(`[data-index="${focused}"]`)?.focus({ preventScroll: true });
    markTokens();
  }

  const rowElement = (name, narrow, parts) => h("div", { class: narrow && name ? "row wrapped" : "row" },
    narrow && !name ? null : h("span", { class: `rowname${narrow ? " above" : ""}`, dir: "auto" }, h("bdi", {}, name)), ...parts);

  function blockElement(block, row, first, end, widthOf) {
    const before = block.first < first;
    const look = `block${before ? " goneson" : ""}${block.last >= end ? " goeson" : ""}`;
    const style = { width: widthOf(Math.max(block.first, first), Math.min(block.last + 1, end)) };
    if (before) return h("span", { class: look, style }, "…");
    if (block.tokens.length === 1) return tokenElement(row, block.tokens[0], look, style);
    return h("span", { class: look, style }, ...block.tokens.map((index) => tokenElement(row, index, "", {})));
  }

  function tokenElement(row, index, look, style) {
    const token = state.cut[row][index];
    const number = state.items.push([row, index]) - 1;
    return h("span", {
      class: `${look} token ${index % 2 ? "odd" : "even"}${isHex(token.label) ? " broken" : ""}`, style, role: "button",
      "data-index": number, tabindex: number ? -1 : 0,
      "aria-description": `id ${token.id}, token ${index + 1} of ${state.data.rows[row].name}`,
    }, token.label, model.get("ids") ? h("span", { class: "id" }, token.id) : null);
  }

  function drawBill() {
    const counts = state.data.rows.map(billOf);
    const most = Math.max(1, ...counts.filter((_, row) => !isHidden(row)));
    bill.replaceChildren(...state.data.rows.flatMap((row, number) => {
      const hidden = isHidden(number);
      const each = counts[number] ? (state.data.n_characters / counts[number]).toFixed(1) : "–";
      return [
        h("span", {}, h("bdi", {}, row.name)),
        h("span", { class: "count" }, hidden ? "?" : `${counts[number].toLocaleString("en")} tokens, ${each} characters per token`),
        h("span", { class: "bar", style: { width: hidden ? "0" : `${(100 * counts[number]) / most}%` } }),
      ];
    }), ...notes().map((text) => h("span", { class: "elsewhere" }, h("bdi", {}, text))));
  }

  // Of an own text in a page: about the tokenizers whose vocabulary it does not hold (yet).
  const notes = () => state.data.notes ?? [];

  // What a row's tokens cost: of the whole text with all merges, else of what is shown.
  function billOf(row, number) {
    const all = !row.joinedBy || model.get("merges") >= row.n_merges;
    return all ? row.n_tokens : state.cut[number].length;
  }

  // --- one token ---
  const factsOf = (rowNumber, index) => {
    const row = state.data.rows[rowNumber];
    const token = state.cut[rowNumber][index];
    const bytes = state.data.bytes.subarray(token.start, token.end);
    const uses = row.uses.get(token.id);
    return { row, token, bytes, uses,
      rank: !row.joinedBy ? row.how : token.id < 256 ? "a single byte" : `merge ${(token.id - 255).toLocaleString("en")} of ${row.n_merges.toLocaleString("en")}`,
      seen: uses === undefined ? "" : `used ${uses.toLocaleString("en")} of ${row.n_uses.toLocaleString("en")} times in ${row.where}` };
  };

  function cardOf([rowNumber, index], pin) {
    const { row, token, bytes, rank, seen } = factsOf(rowNumber, index);
    const facts = h("div", {},
      h("p", {}, pin ? `${"①②"[pin - 1]} ` : "", h("b", {}, h("bdi", {}, token.label)), " in ", h("bdi", {}, row.name), `: id ${token.id}`),
      h("p", {}, bytes.length ? `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"} ` : "no byte of the text", bytes.length ? h("code", {}, hex(bytes.subarray(0, 32)).slice(1, -1)) : null),
      h("p", {}, rank), h("p", {}, seen));
    const card = h("div", { class: `card${pin ? ` pin${pin}` : ""}` }, facts);
    if (row.joinedBy && bytes.length > 1 && bytes.length <= 32) card.append(treeElement(treeOf(row, token.start, token.end, state.data.bytes)));
    return card;
  }

  function treeElement(node, top = true) {
    const label = labelOf(state.data.bytes.subarray(node.start, node.end));
    if (!node.parts) return h("span", { class: "leaf" }, h("bdi", {}, label));
    const box = h("div", { class: "node" }, h("span", {}, h("bdi", {}, label), ` ${node.id}`),
      h("div", {}, ...node.parts.map((part) => treeElement(part, false))));
    return top ? h("div", { class: "tree", role: "img", "aria-label": `merge tree of ${label}` }, box) : box;
  }

  const pinnedTokens = () => ui.pins.list
    .filter(([row, byte]) => state.data.rows[row] && !isHidden(row) && byte >= 0)
    .map(([row, byte]) => [row, tokenAt(state.cut[row], byte)]).filter(([, index]) => index >= 0);

  function markTokens() {
    const pins = pinnedTokens();
    const isPin = (item, number) => pins[number] && pins[number][0] === item[0] && pins[number][1] === item[1];
    const lit = state.look ? [state.look] : pins;
    const spans = lit.map(([row, index]) => state.cut[row][index]).filter(Boolean);
    for (const element of bands.querySelectorAll("[data-index]")) {
      const item = state.items[Number(element.dataset.index)];
      const token = item && state.cut[item[0]][item[1]];
      if (!token) continue; // an old element, while new ones are drawn
      element.classList.toggle("pin1", Boolean(isPin(item, 0)));
      element.classList.toggle("pin2", Boolean(isPin(item, 1)));
      element.classList.toggle("lit", spans.some((span) => span.start < token.end && token.start < span.end));
    }
    for (const letter of bands.querySelectorAll("[data-column]")) {
      const column = Number(letter.dataset.column);
      const [start, end] = [state.data.starts[column], state.data.ends[column]];
      letter.classList.toggle("lit", spans.some((span) => span.start < end && start < span.end));
    }
    const cards = pins.map((pin, number) => cardOf(pin, number + 1));
    if (state.look && !pins.some(([row, index]) => row === state.look[0] && index === state.look[1])) cards.push(cardOf(state.look, 0));
    details.replaceChildren(...(cards.length ? cards : [h("p", { class: "hint" },
      "Point at a token, or walk with the arrow keys. Click or Enter pins it, a second one is compared, Esc unpins.")]));
    say(pins);
  }

  function say(pins) {
    const shown = state.look ? [state.look] : pins;
    if (!shown.length) {
      ui.code(null);
      const [n, all] = [state.data.ends.length, state.data.n_characters];
      const part = n < all ? `Drawn are the first ${n.toLocaleString("en")} of ${all.toLocaleString("en")} characters. ` : "";
      return ui.say(all === 0 ? "The text is empty." : part + (state.data.rows.map((row, number) =>
        (isHidden(number) ? "" : `${row.name}: ${billOf(row, number).toLocaleString("en")} tokens.`)).filter(Boolean).join(" ")
        || "How many tokens? Guess first.") + notes().map((text) => ` ${text}`).join(""));
    }
    const sentences = shown.map(([row, index]) => {
      const { token, bytes, rank, seen } = factsOf(row, index);
      const size = `${bytes.length} ${bytes.length === 1 ? "byte" : "bytes"}`;
      return `“${token.label}” in ${state.data.rows[row].name}: id ${token.id}, ${size}, ${rank}${seen ? `, ${seen}` : ""}.`;
    });
    if (shown.length === 2) sentences.push(comparison(...shown));
    ui.say(sentences.join(" "));
    const [row, index] = shown[0];
    ui.code(`${state.data.rows[row].code}[${index}]  # ${state.cut[row][index].id}`);
  }

  function comparison(one, other) {
    const [a, b] = [factsOf(...one), factsOf(...other)];
    const same = hex(a.bytes) === hex(b.bytes);
    if (one[0] === other[0]) return same ? "The same token twice: the same number." : "Two tokens of one list: two numbers.";
    return same ? "The same bytes, but each list has its own number for them." : "Other bytes, from other lists.";
  }

  // --- touching ---
  const look = (item) => {
    state.look = item;
    markTokens();
  };
  const itemOf = (target) => {
    const element = target.closest?.("[data-index]");
    return element && bands.contains(element) ? state.items[Number(element.dataset.index)] : null;
  };
  const pin = ([row, index]) => ui.pins.toggle([row, state.cut[row][index].start]);
  bands.addEventListener("pointerover", (event) => look(itemOf(event.target)));
  bands.addEventListener("pointerleave", () => look(null));
  bands.addEventListener("focusin", (event) => look(itemOf(event.target)));
  bands.addEventListener("focusout", () => look(null));
  bands.addEventListener("click", (event) => {
    const item = itemOf(event.target);
    if (item) pin(item);
  });
  bands.addEventListener("keydown", (event) => {
    const item = itemOf(event.target);
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = stepFrom(item, event.key);
    if (to) focusToken(to);
    else if (event.key === "Enter" || event.key === " ") pin(item);
    else if (event.key === "Escape") ui.pins.clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function stepFrom([row, index], key) {
    const last = state.cut[row].length - 1;
    const along = state.data.right_to_left ? { ArrowLeft: 1, ArrowRight: -1 } : { ArrowLeft: -1, ArrowRight: 1 };
    if (key in along) return [row, Math.min(last, Math.max(0, index + along[key]))];
    if (key === "Home") return [row, 0];
    if (key === "End") return [row, last];
    const way = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (!way) return null;
    const to = row + way;
    if (to < 0 || to >= state.cut.length || isHidden(to)) return [row, index];
    const found = tokenAt(state.cut[to], state.cut[row][index].start);
    return found < 0 ? [row, index] : [to, found];
  }

  function focusToken([row, index]) {
    const number = state.items.findIndex(([r, i]) => r === row && i === index);
    for (const element of bands.querySelectorAll("[data-index]")) element.tabIndex = Number(element.dataset.index) === number ? 0 : -1;
    const element = bands.querySelector(`[data-index="${number}"]`);
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest" });
  }

  // --- predict mode: row after row, each hidden until a number is chosen ---
  function ask() {
    const { rows } = state.data;
    if (state.asked === null || state.asked >= rows.length || !state.data.n_characters) {
      quiz.replaceChildren();
      return;
    }
    const number = state.asked;
    const right = billOf(rows[number], number);
    const options = guesses(right);
    quiz.replaceChildren(guess({
      question: `Into how many tokens does ${rows[number].name} (a list of ${rows[number].vocab_size.toLocaleString("en")}) cut this text?`,
      options: options.map((option) => option.toLocaleString("en")),
      judge: (index) => ({ right: options.indexOf(right), text: options[index] === right ? `Yes: ${right}.`
        : `You said ${options[index]}; it is ${right}, ${options[index] < right ? "more" : "fewer"} than you thought.` }),
      revealed: () => {
        state.asked = number + 1;
        redraw();
      },
      next: () => (state.asked < rows.length ? ask() : set("predict", false)),
      leave: () => set("predict", false),
    }));
  }

  const redraw = () => {
    draw();
    drawBill();
  };

  function recut() {
    state.look = null;
    state.cut = state.data.rows.map((row) => tokensAt(row, state.data.bytes, model.get("merges")));
  }

  ui.watch("payload", () => {
    state.data = readTokens(model.get("payload"));
    const most = state.data.most_merges;
    sliderBox.hidden = most === 0;
    slider.max = sliderSteps(most);
    recut();
  });
  ui.watch("predict", () => {
    state.asked = model.get("predict") ? 0 : null;
    askButton.hidden = state.asked !== null;
    ask();
  });
  ui.watch(["payload", "merges"], () => {
    const [merges, most] = [model.get("merges"), state.data.most_merges];
    slider.value = stepAt(merges, most);
    sliderText.textContent = merges >= most ? `all ${most.toLocaleString("en")}` : `${merges.toLocaleString("en")} of ${most.toLocaleString("en")}`;
    slider.setAttribute("aria-valuetext", sliderText.textContent);
    recut();
    redraw();
  });
  ui.watch("predict", redraw);
  ui.watch("ids", () => {
    idsBox.checked = model.get("ids");
    draw();
  });
  ui.watch("pins", markTokens);
  ui.table(() => ({
    caption: "Each token of each tokenizer", columns: ["tokenizer", "token", "text", "id", "bytes", "how it came about", "used"],
    rows: state.cut.flatMap((tokens, row) => (isHidden(row) ? [] : tokens.map((token, index) => {
      const { bytes, rank, uses } = factsOf(row, index);
      return [state.data.rows[row].name, index + 1, token.label, token.id, hex(bytes).slice(1, -1), rank, uses ?? ""].map(String);
    }))),
  }));
  ui.onResize(() => {
    state.room = bands.clientWidth;
    draw();
  });
  slider.addEventListener("input", () => set("merges", mergesAt(Number(slider.value), state.data.most_merges)));
  idsBox.addEventListener("change", () => set("ids", idsBox.checked));
  askButton.addEventListener("click", () => set("predict", true));
  return ui.destroy;
}

export default { render, answersAlone: knowsTokens, open: openTokens, answer: tokensAnswer, answersTo: ["text"], bringsLater: true,
  shared: { text: "text", merges: "count", ids: "flag", pins: "pairs" } };
