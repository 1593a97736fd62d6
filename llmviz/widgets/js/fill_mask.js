// FillMaskExplorer: a sentence with masked words, and the predictions of two models back to back.
import { frame, guess, h, roving } from "./base.js";
import { fillAnswer, openFill } from "./fill_mask_answer.js";

const BLANK_CSS = `
.words { display: flex; flex-wrap: wrap; row-gap: 6px; margin: 2px 0 12px; }
.word { display: inline-flex; flex-direction: column; padding: 0; border: none; border-radius: 3px; margin-left: 5px; font-size: 16px; }
.word.glued { margin-left: 0; }
.word .said { padding: 1px 3px; border: 1px solid transparent; border-radius: 3px; white-space: pre; max-width: 15em; overflow: hidden; text-overflow: ellipsis; }
.word[aria-pressed=true] { box-shadow: none; }
.word:hover .said { border-color: var(--line); }
.word.blank .said { border: 2px dashed var(--accent); font-family: var(--jp-code-font-family, ui-monospace, monospace); padding: 0 7px; }
.lane { height: 4px; margin-top: 1px; background-image: var(--hatch); }
.lane.left.seen { background: #e69f00; } .lane.both.seen { background: #0072b2; }
.heads, .row { display: grid; grid-template-columns: 3em 1fr minmax(64px, 19%) 1fr 3em; gap: 8px; align-items: center; width: 100%; }
.heads { font-size: 12px; margin-bottom: 3px; padding: 0 7px; } .heads .one { grid-column: 1 / 3; } .heads .two { grid-column: 4 / 6; text-align: right; }
.rows { display: grid; gap: 3px; }
.row { padding: 1px 6px; border: 1px solid transparent; border-radius: 4px; }
.row:hover { border-color: var(--line); }
.row.pin0 { border: 2px solid var(--accent); padding: 0 5px; } .row.pin1 { border: 2px solid var(--second); padding: 0 5px; }
.row .name { text-align: center; white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.row.truth .name { font-weight: 700; } .row.truth .name::after { content: " ✓"; }
.row .number { font-variant-numeric: tabular-nums; font-size: 13px; text-align: right; } .row .number:last-child { text-align: left; }
.track { position: relative; height: 16px; background: var(--faint); }
.bar { position: absolute; top: 0; bottom: 0; left: 0; background: #0072b2; min-width: 1px; border-radius: 2px; }
.track.left .bar { left: auto; right: 0; background: #e69f00; }
.diamond { position: absolute; top: 3px; left: var(--at); width: 10px; height: 10px; margin-left: -5px; transform: rotate(45deg);
  border: 2px solid #d55e00; background: var(--paper, Canvas); }
.track.left .diamond { left: auto; right: var(--at); margin: 0 -5px 0 0; }
.others { border-style: none; opacity: .85; } .others .bar { background: #8a8a8a !important; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12px; margin: 8px 0 0; align-items: center; }
.key i { display: inline-block; width: 18px; height: 6px; margin-right: 6px; vertical-align: 2px; background: #0072b2; }
.key i.left { background: #e69f00; } .key i.unseen { background: var(--hatch); }
.key .diamond { position: static; display: inline-block; margin: 0 8px 0 3px; vertical-align: -1px; }
`;
const NO_CASE = { rows: [], truth: -1, exact: [0, 0] };

// The case of these hidden words; undefined where this page does not know it.
export const caseOf = (payload, hidden) => payload.cases[hidden.join(",")];

// What a click on a word hides then: the word alone, or beside the others; a hidden word is shown again.
export function clicked(hidden, place, several) {
  if (hidden.includes(place)) return hidden.filter((one) => one !== place);
  return several ? [...hidden, place].sort((one, other) => one - other) : [place];
}

// What is left for all words without a bar, for one of the two models.
export const restOf = (rows, column) => Math.max(0, 1 - rows.reduce((sum, row) => sum + row[column], 0));

export const codeOf = ({ code, text }, hidden) =>
  code.replace("{hidden}", `[${hidden.join(", ")}]`).replace("{text}", () => JSON.stringify(text));

// One word in both models' eyes, with the exact numbers where there are some.
export function rowSentence([label, both, left, exactBoth, exactLeft], [nBoth, nLeft]) {
  const exact = (n, number) => (n ? ` (exactly ${number.toFixed(2)})` : "");
  return `“${label}”: from both sides ${both.toFixed(2)}${exact(nBoth, exactBoth)}, from the left alone ${left.toFixed(2)}${exact(nLeft, exactLeft)}.`;
}

function best(rows, column) {
  return rows.reduce((most, row) => (row[column] > most[column] ? row : most), rows[0]);
}

export function caseSentence({ rows, truth, exact }, hasExact) {
  const [both, left] = [best(rows, 1), best(rows, 2)];
  const was = truth < 0 ? "" : ` Hidden is “${rows[truth][0]}”.`;
  const unknown = hasExact === null ? " The exact probabilities of a text of your own need Python (make lab)."
    : hasExact && !exact[0] ? " The rules of Tinyville make no such text; the models answer anyway." : "";
  return `From both sides most likely “${both[0]}” ${both[1].toFixed(2)}; from the left alone “${left[0]}” ${left[2].toFixed(2)}.${was}${unknown}`;
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Fill in the blank", css: BLANK_CSS });
  const isLive = Boolean(model.get("is_live"));
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const state = { at: 0, guessed: null, focus: -1 };
  const several = h("input", { type: "checkbox" });
  const asking = h("input", { type: "checkbox", onchange: () => {
    state.guessed = null;
    set("predict", asking.checked);
  } });
  const blanks = h("span", { role: "group", "aria-label": "which blank" });
  ui.asks("sentence");
  if (isLive) ui.controls.append(h("label", {}, several, "hide several"));
  ui.controls.append(h("label", {}, asking, "guess first"), blanks);
  const words = h("div", { class: "words", role: "group", "aria-label": "the sentence: choose a word to hide or show it" });
  const heads = h("div", { class: "heads" }, h("span", { class: "one" }, "◀ from the left alone: next-token model"),
    h("span", { class: "two" }, "from both sides: masked model ▶"));
  const rows = h("div", { class: "rows", role: "group", "aria-label": "words that can stand here" });
  const question = h("div", {});
  const diamondKey = h("span", {}, h("span", { class: "diamond" }), "exact, from the rules of Tinyville, for what each can know");
  const key = h("p", { class: "key" }, h("span", {}, h("i", { class: "left" }), "read by the next-token model"),
    h("span", {}, h("i"), "read by the masked model"), h("span", {}, h("i", { class: "unseen" }), "not read"), diamondKey);
  ui.picture.append(words, question, heads, rows, key);
  if (!isLive) ui.below.append(h("p", { class: "key" }, "A sentence of your own needs Python: in the lesson (make lab), write .live() behind this explorer."));

  const hidden = () => model.get("hidden").filter((place) => model.get("payload").words[place]);
  const shown = () => (caseOf(model.get("payload"), hidden()) ?? [])[state.at] ?? NO_CASE;
  const isAsked = () => Boolean(model.get("predict")) && shown().truth >= 0 && state.guessed !== `${hidden()}/${state.at}`;
  const base = () => caseSentence(shown(), model.get("payload").has_exact);
  const pinned = () => ui.pins.list.map((label) => shown().rows.find((row) => row[0] === label)).filter(Boolean);

  const toggle = (place) => {
    if (model.get("payload").words[place].typed) return;
    state.at = 0;
    state.focus = place;
    state.guessed = null;
    if (ui.pins.list.length) set("pins", []);
    set("hidden", clicked(hidden(), place, isLive && several.checked));
  };
  roving(words, { pin: toggle, unpin: () => ui.pins.clear() });
  const wander = roving(rows, { columns: () => 1, move: (index) => tell(index), pin: (index) => pin(index), unpin: () => ui.pins.clear() });

  function tell(index) {
    const { rows: all, exact } = shown();
    ui.say(index === undefined ? summary() : rowSentence(all[index], exact));
  }

  function summary() {
    const chosen = pinned();
    return chosen.length ? chosen.map((row) => rowSentence(row, shown().exact)).join(" ") : base();
  }

  function pin(index) {
    state.row = index;
    ui.pins.toggle(shown().rows[index][0]);
  }

  function drawWords() {
    const payload = model.get("payload");
    const now = hidden();
    const first = now.length ? now[0] : Infinity;
    const stop = Math.max(0, state.focus);
    words.replaceChildren(...payload.words.map((word, place) => {
      const isHidden = now.includes(place);
      const said = isHidden ? Array(Math.min(word.n, 8)).fill("___").join(" ") : word.label;
      const name = isHidden ? `${said} blank, ${word.n} token${word.n > 1 ? "s" : ""}${word.typed ? "" : ": show the word"}` : null;
      const lane = (side, isSeen) => h("span", { class: `lane ${side}${isSeen ? " seen" : ""}` });
      return h("button", { type: "button", class: `word${isHidden ? " blank" : ""}${word.glued ? " glued" : ""}`, "data-index": place,
        tabindex: place === stop ? 0 : -1, "aria-label": name, "aria-description": isHidden ? null : "hide it", "aria-pressed": String(isHidden), onclick: () => toggle(place) },
        h("span", { class: "said" }, h("bdi", {}, said)), lane("left", place < first), lane("both", !isHidden));
    }));
    if (state.focus >= 0) words.querySelector(`[data-index="${state.focus}"]`)?.focus({ preventScroll: true });
    state.focus = -1;
    blanks.replaceChildren(...(now.length > 1 ? now.map((place, number) => h("button", { type: "button",
      "aria-pressed": String(number === state.at), onclick: () => {
        state.at = number;
        draw();
      } }, `blank ${number + 1}`)) : []));
  }

  const track = (side, value, exact, hasExact) => h("span", { class: `track ${side}` },
    h("span", { class: "bar", style: { width: `${100 * value}%` } }),
    hasExact && exact ? h("span", { class: "diamond", style: { "--at": `${100 * exact}%` } }) : null);

  function rowOf(row, index) {
    const { truth, exact } = shown();
    const [label, both, left, exactBoth, exactLeft] = row;
    const place = ui.pins.list.indexOf(label);
    return h("button", { type: "button", class: `row${index === truth ? " truth" : ""}${place >= 0 ? ` pin${place}` : ""}`,
      "data-index": index, tabindex: index === (state.row ?? 0) ? 0 : -1, "aria-description": rowSentence(row, exact),
      "aria-pressed": String(place >= 0), onclick: () => pin(index), onpointerenter: () => tell(index), onpointerleave: () => tell() },
      h("span", { class: "number" }, left.toFixed(2)), track("left", left, exactLeft, exact[1]),
      h("span", { class: "name" }, h("bdi", {}, label)),
      track("both", both, exactBoth, exact[0]), h("span", { class: "number" }, both.toFixed(2)));
  }

  function drawRows() {
    const { rows: all, exact } = shown();
    const hadFocus = rows.contains(ui.root.activeElement);
    if ((state.row ?? 0) >= all.length) state.row = 0;
    const [both, left] = [restOf(all, 1), restOf(all, 2)];
    const others = h("div", { class: "row others" }, h("span", { class: "number" }, left.toFixed(2)), track("left", left),
      h("span", { class: "name" }, "all others"), track("both", both), h("span", { class: "number" }, both.toFixed(2)));
    rows.replaceChildren(...all.map(rowOf), ...(all.length ? [others] : []));
    diamondKey.hidden = !(exact[0] || exact[1]);
    if (hadFocus) wander.focus(state.row ?? 0);
  }

  function ask() {
    const { rows: all, truth, exact } = shown();
    const labels = all.map(([label]) => label).sort();
    const right = labels.indexOf(all[truth][0]);
    question.replaceChildren(guess({
      question: "Which word is hidden?", options: labels,
      judge: (index) => ({ right, text: `${index === right ? "Yes. " : `It was not “${labels[index]}”. `}${rowSentence(all[truth], exact)}` }),
      revealed: () => {
        state.guessed = `${hidden()}/${state.at}`;
        reveal();
      },
      next: () => {
        const known = Object.keys(model.get("payload").cases).filter((one) => !one.includes(",") && one !== hidden().join(","));
        const places = isLive ? model.get("payload").words.map((_, place) => place) : known.map(Number);
        state.guessed = null;
        state.at = 0;
        set("hidden", [places[Math.floor(Math.random() * places.length)]]);
      },
      leave: () => set("predict", false),
    }));
  }

  function reveal() {
    const asked = isAsked();
    for (const part of [heads, rows, key]) part.hidden = asked;
    ui.locked(asked);
    ui.say(asked ? "Guess first: then you see what both models say." : summary());
  }

  function draw() {
    const payload = model.get("payload");
    const known = caseOf(payload, hidden());
    if (state.at >= (known?.length ?? 1)) state.at = 0;
    asking.checked = Boolean(model.get("predict"));
    drawWords();
    if (!known) {
      question.replaceChildren();
      for (const part of [heads, rows, key]) part.hidden = true;
      ui.locked(true);
      ui.say(!hidden().length ? "Nothing is hidden. Click a word: it is hidden, and both models guess it."
        : isLive ? "The models are thinking." : "This page knows each word alone: click one. Several at once need Python (make lab).");
      return;
    }
    drawRows();
    if (isAsked()) ask();
    else if (state.guessed === null || !model.get("predict")) question.replaceChildren();
    const columns = ["word", "from both sides", "from the left", ...(payload.has_exact ? ["exact, both sides", "exact, left"] : [])];
    ui.table(() => ({ caption: "What can stand at the blank", columns, rows: shown().rows.map((row) => row.slice(0, columns.length).map(String)) }));
    ui.code(codeOf(payload, hidden()));
    reveal();
  }

  ui.watch(["payload", "hidden", "pins", "predict"], draw);
  return ui.destroy;
}

export default { render, open: openFill, answer: fillAnswer, answersTo: ["text", "hidden"],
  shared: { text: "text", hidden: "places" } };
