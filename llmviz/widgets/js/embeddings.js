// EmbeddingExplorer: a map of words that moves through the frames, and beside it the true neighbors.
import { frame, guess, h, placeIn, roving, textBox } from "./base.js";
import {
  cosinesWith, foundWord, nearInPicture, neighborsOf, questionOf, rankedBy, readSpace, stepToward, walkFrom,
} from "./embeddings_data.js";
import { drawScene } from "./embeddings_draw.js";
import { analogyCard, legendEntry, meterOf, neighborCard } from "./embeddings_side.js";

const SPACE_CSS = `
.space { display: grid; grid-template-columns: minmax(0, 1fr) 250px; gap: 6px 16px; align-items: start; }
.space canvas { display: block; width: 100%; height: 340px; border: 1px solid var(--line); border-radius: 4px; cursor: crosshair; }
.side { max-height: 372px; min-height: 340px; overflow: auto; }
.cards { display: flex; flex-direction: column; gap: 4px; }
.card .head { margin: 0 0 3px; font-size: 14px; font-weight: 600; overflow-wrap: anywhere; }
.card { border-left: 3px solid var(--line); padding-left: 8px; }
.card.pin1 { border-color: var(--accent); } .card.pin2 { border-color: var(--second); }
.card ol { list-style: none; margin: 0; padding: 0; }
.card li button { line-height: 1.3; display: grid; grid-template-columns: 14px minmax(0, 1fr) 48px 38px; gap: 4px; width: 100%; padding: 1px 2px;
  border-color: transparent; text-align: left; align-items: center; }
.card li .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.card li .asked { text-decoration: line-through; opacity: .65; }
.card li .bar { height: 8px; background: color-mix(in srgb, #0072b2 60%, transparent); border-radius: 2px; }
.card li .cosine { text-align: right; }
.meters { display: flex; flex-wrap: wrap; gap: 2px 18px; }
.meter { display: inline-flex; gap: 6px; align-items: center; }
.meter .rail { width: 80px; height: 9px; border: 1px solid var(--line); border-radius: 3px; overflow: hidden; }
.meter .full { height: 100%; background: color-mix(in srgb, #009e73 75%, transparent); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 2px 0; }
.legend span { display: inline-flex; gap: 5px; align-items: center; }
.legend svg { width: 14px; height: 14px; overflow: visible; }
.ask { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; width: 100%; }
.ask input[type=text] { width: 8em; }
.search { width: 9em !important; }
.framename { min-width: 6.5em; font-variant-numeric: tabular-nums; }
.hint { font-size: 12px; opacity: .8; margin: 0 0 2px; }
@media (max-width: 600px) { .space { grid-template-columns: minmax(0, 1fr); } .space canvas { height: 320px; } .side { max-height: none; min-height: 0; } }
`;
const KEYS_HELP = "Hover: look. Click or Enter: pin, a second pin compares. Esc: unpin. Arrows: next word. [ ]: frames. Space: play.";
const MARGIN = 22;
const FRAME_MILLISECONDS = 320;
let nSpaces = 0;

function render({ model, el }) {
  const ui = frame({ model, el, title: "Embedding explorer", css: SPACE_CSS });
  const number = ++nSpaces;
  const quiet = { "data-lm-suppress-shortcuts": "true" };
  const canvas = h("canvas", { tabindex: "0", role: "img", ...quiet });
  const cards = h("div", { class: "cards" });
  const meters = h("div", { class: "meters" });
  const legend = h("div", { class: "legend" });
  const quiz = h("div", {});
  const words = h("datalist", { id: `words-${number}` });
  const wordBox = (name, commit, more = {}) => textBox(ui.guard(commit), { lines: false, list: `words-${number}`, "aria-label": name, ...more });
  const search = wordBox("search for a word", (typed) => {
    const word = foundWord(space.labels, typed);
    if (word >= 0) save({ chosen: word, analogy: null });
    else if (typed.trim()) ui.say(`“${typed.trim().slice(0, 24)}” is not among the ${space.n} words of this picture. All others need Python (make lab): vectors.neighbors("${typed.trim().slice(0, 24)}")`);
  }, { placeholder: "search", class: "search" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "frame", ...quiet });
  const playButton = h("button", { type: "button", ...quiet }, "▶ play");
  const frameName = h("span", { class: "framename" });
  const framesBox = h("span", { class: "actions" }, playButton, slider, frameName);
  const askButton = h("button", { type: "button", "aria-pressed": "false", ...quiet }, "analogy");
  const quizButton = h("button", { type: "button", ...quiet }, "predict");
  const boxes = ["a", "b", "c"].map((name, index) => wordBox(`analogy, word ${name}`, (typed) => {
    const [word, now] = [foundWord(space.labels, typed), asked()];
    if (word < 0 || !now) return ui.say(`${typed ? `“${typed.slice(0, 24)}” is` : "Nothing is"} not among these words.`);
    return save({ analogy: now.with(index, word) });
  }));
  const without = h("input", { type: "checkbox", ...quiet });
  const ask = h("div", { class: "ask", hidden: true }, boxes[0], "is to", boxes[1], "as", boxes[2], "is to …",
    h("label", {}, without, "leave out the question's words"));
  ui.controls.append(search, words, framesBox, askButton, quizButton, ask);
  ui.picture.append(quiz, h("div", { class: "space" }, h("div", {}, canvas, legend), h("div", { class: "side" }, cards)), meters);
  ui.controls.after(h("p", { class: "hint" }, KEYS_HELP));

  let space, map, places = [], points = [], hover = null, question = null, playing = 0, shownFrame = 0, widths = new Map();
  const remembered = new Map();
  const pen = canvas.getContext("2d");
  roving(cards, { pin: (index) => cards.querySelectorAll("button")[index].click(), unpin: () => canvas.focus() });
  const save = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const lastFrame = () => space.frames - 1;
  const frameNow = () => Math.min(Math.max(0, model.get("frame") ?? 0), lastFrame());
  const valid = (word) => Number.isInteger(word) && word >= 0 && word < space.n;
  const pins = () => ui.pins.list.filter(valid);
  const chosen = () => (valid(model.get("chosen")) ? model.get("chosen") : null);
  const asked = () => {
    const analogy = model.get("analogy");
    return Array.isArray(analogy) && analogy.length === 3 && analogy.every(valid) ? analogy : null;
  };
  // The neighbors of a word in the frame that is shown, worked out once.
  const nearTo = (word) => {
    const key = frameNow() * space.n + word;
    if (!remembered.has(key)) {
      if (remembered.size > 200) remembered.clear();
      remembered.set(key, neighborsOf(space, frameNow(), word));
    }
    return remembered.get(key);
  };
  const label = (word) => `“${space.labels[word]}”`;

  // Which words are looked at: two pins; or one pin and what the pointer or the keyboard is at; or that alone.
  function lookedAt() {
    if (question) return [question.word];
    const [first, second] = pins();
    if (second !== undefined) return [first, second];
    const here = hover ?? chosen();
    if (first === undefined) return here === null ? [] : [here];
    return here === null || here === first ? [first] : [first, here];
  }

  function place() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const { middle, reach } = map.view(shownFrame);
    const scale = Math.min((width - 2 * MARGIN) / reach[0], (height - 2 * MARGIN) / reach[1]);
    points = map.points(shownFrame);
    const toPixels = ([x, y]) => [width / 2 + (x - middle[0]) * scale, height / 2 - (y - middle[1]) * scale];
    places = points.map(toPixels);
    return toPixels;
  }

  function scene(toPixels, colors) {
    const now = frameNow();
    const looked = lookedAt();
    const hide = question && !question.revealed;
    const shown = looked.map((word, index) => {
      const seen = new Set(nearInPicture(points, word, space.near));
      const near = hide ? [] : nearTo(word).slice(0, space.near).map((one) => ({ word: one.word, seen: seen.has(one.word) }));
      return { word, near, color: colors[index] };
    });
    const analogy = question ? null : asked();
    const arrows = [];
    if (analogy) {
      const [a, b, c] = analogy;
      const landing = toPixels([0, 1].map((axis) => points[c][axis] + points[b][axis] - points[a][axis]));
      arrows.push({ from: places[a], to: places[b], dashed: false, color: colors[0] },
        { from: places[c], to: landing, dashed: true, color: colors[0] });
    }
    const answers = analogy ? [answersOf(analogy)[0].word] : [];
    return { places, labels: space.labels, groupOf: space.groupOf, cards: analogy ? [] : shown, arrows,
      marked: hide ? question.options : [...(analogy ?? []), ...answers], hidden: Boolean(question) };
  }

  const measure = (text) => {
    if (!widths.has(text)) widths.set(text, pen.measureText(text).width);
    return widths.get(text);
  };

  function paint() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const toPixels = space && place();
    if (!toPixels || !width || !height) return;
    const sharp = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * sharp)) canvas.width = Math.round(width * sharp);
    if (canvas.height !== Math.round(height * sharp)) canvas.height = Math.round(height * sharp);
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    const style = getComputedStyle(ui.box);
    const font = `12px ${style.fontFamily}`;
    pen.font = font;
    const colors = [ui.color("--accent"), ui.color("--second")];
    drawScene(pen, scene(toPixels, colors), { width, height, ink: ui.ink(), background: ui.background(), font, measure });
  }

  function answersOf(analogy) {
    const cosines = cosinesWith(space, frameNow(), walkFrom(space, frameNow(), analogy));
    return rankedBy(cosines, model.get("exclude") === false ? [] : analogy);
  }

  const cardOf = (word, index) => {
    const seen = new Set(nearInPicture(points, word, space.near));
    const kept = nearTo(word).slice(0, space.near).map((one) => ({ ...one, seen: seen.has(one.word) }));
    return neighborCard({ space, word, index, pin: pins().indexOf(word), near: kept, choose });
  };
  const answerCard = (analogy) => analogyCard({ space, analogy, choose, answer: answersOf(analogy)[0].word,
    ranked: rankedBy(cosinesWith(space, frameNow(), walkFrom(space, frameNow(), analogy))),
    excluded: model.get("exclude") !== false });
  const choose = (word) => save({ chosen: word, ...(asked() ? {} : { pins: [] }) });

  function fill() {
    const analogy = question ? null : asked();
    const hide = question && !question.revealed;
    const held = cards.contains(ui.root.activeElement) ? Number(ui.root.activeElement.dataset.index) : -1;
    cards.replaceChildren(...(hide ? [] : analogy ? [answerCard(analogy)] : lookedAt().map(cardOf)));
    const items = [...cards.querySelectorAll("button")];
    items.forEach((item, index) => {
      item.dataset.index = index;
      item.tabIndex = index === Math.max(0, held) ? 0 : -1;
    });
    if (held >= 0) (items[held] ?? canvas).focus({ preventScroll: true });
    const now = frameNow();
    meters.replaceChildren(meterOf("variance shown", map.variance(now)),
      meterOf(`of ${space.near} true neighbors near in the map, on average`, map.kept(now)));
    tell();
  }

  function tell() {
    const at = space.frames > 1 ? `${space.frameNames[frameNow()]}: ` : "";
    const analogy = question ? null : asked();
    const looked = lookedAt();
    const subject = looked[0];
    if (question) ui.say(question.revealed ? "" : `Predict: the nearest word to ${label(question.word)}.`);
    else if (analogy) {
      const [a, b, c] = analogy.map(label);
      const [best] = answersOf(analogy);
      ui.say(`${at}${a} is to ${b} as ${c} is to ${label(best.word)} (${best.cosine.toFixed(2)}), ` +
        (model.get("exclude") === false ? "all words allowed." : "the words of the question left out."));
    } else if (looked.length === 2) {
      const cosine = cosinesWith(space, frameNow(), space.row(frameNow(), looked[0]))[looked[1]];
      const sets = looked.map((word) => nearTo(word).slice(0, space.near).map((one) => one.word));
      const shared = sets[0].filter((word) => sets[1].includes(word)).length;
      ui.say(`${at}${label(looked[0])} and ${label(looked[1])}: cosine ${cosine.toFixed(2)}; ${shared} of ${space.near} neighbors in common.`);
    } else if (looked.length) {
      const near = nearTo(subject).slice(0, 3);
      ui.say(`${at}nearest to ${label(subject)}: ${near.map((one) => `${label(one.word)} ${one.cosine.toFixed(2)}`).join(", ")}.`);
    } else ui.say(`${at}${space.n} words. Choose one.`);
    canvas.setAttribute("aria-label", `PCA map of ${space.n} words${looked.length ? `, at ${label(subject)}` : ""}`);
    ui.code(!question && !analogy && looked.length ? space.code[subject] : "");
    ui.table(question && !question.revealed ? null : () => tableOf(looked, analogy));
  }

  function tableOf(looked, analogy) {
    const group = (word) => space.groups[space.groupOf[word]] ?? "";
    const rows = (ranked, seen) => ranked.map(({ word, cosine }, index) =>
      [space.labels[word], String(index + 1), cosine.toFixed(3), seen ? (seen.has(word) ? "yes" : "no") : "", group(word)]);
    const columns = ["word", "rank", "cosine", "near in the map", "group"];
    if (analogy) return { caption: `Words by their cosine with the place of ${label(analogy[1])} − ${label(analogy[0])} + ${label(analogy[2])}`, columns, rows: rows(answersOf(analogy)) };
    if (!looked.length) return { caption: "All words", columns: ["word", "group"], rows: space.labels.map((text, word) => [text, group(word)]) };
    const seen = new Set(nearInPicture(points, looked[0], space.near));
    return { caption: `All words by their cosine with ${label(looked[0])}`, columns, rows: rows(nearTo(looked[0]), seen) };
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    playButton.textContent = "▶ play";
  }
  function play() {
    if (playing) return stop();
    if (space.frames < 2) return undefined;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = frameNow() === lastFrame() ? 0 : frameNow();
    let begun = null;
    playButton.textContent = "⏸ stop";
    const tick = ui.guard((time) => {
      begun ??= time;
      const at = Math.min(lastFrame(), from + (time - begun) / FRAME_MILLISECONDS);
      shownFrame = calm ? Math.floor(at) : at;
      if (Math.floor(at) !== frameNow()) save({ frame: Math.floor(at) });
      shownFrame = calm ? Math.floor(at) : at;
      paint();
      if (at < lastFrame()) playing = requestAnimationFrame(tick);
      else stop();
    });
    playing = requestAnimationFrame(tick);
    return undefined;
  }
  const goTo = (to) => {
    stop();
    save({ frame: Math.min(Math.max(0, to), lastFrame()) });
  };

  function askNext(next) {
    hover = null;
    question = { ...questionOf(space, points, frameNow(), next), number: next, revealed: false };
    const { word, options, right, cosine } = question;
    quiz.replaceChildren(guess({
      question: `Which word is nearest to ${label(word)} in all ${space.d} dimensions?`,
      options: options.map((option) => space.labels[option]),
      judge: (index) => ({ right, text: index === right ? `Yes: ${label(options[right])}, cosine ${cosine.toFixed(2)}.`
        : `No: it is ${label(options[right])} (${cosine.toFixed(2)}); ${label(options[index])} has ` +
          `${cosinesWith(space, frameNow(), space.row(frameNow(), word))[options[index]].toFixed(2)}.` }),
      revealed: () => {
        question.revealed = true;
        refresh();
      },
      next: () => askNext(next + 1),
      leave: () => save({ predict: false }),
    }));
    refresh();
    quiz.querySelector(".option")?.focus({ preventScroll: true });
  }

  function refresh() {
    paint();
    fill();
  }

  function wordAt(event) {
    const [x, y] = placeIn(canvas, event);
    let [best, least] = [null, 16];
    places.forEach(([px, py], word) => {
      const far = Math.hypot(px - x, py - y);
      if (far < least) [best, least] = [word, far];
    });
    return best;
  }
  const look = (word) => {
    if (word === hover || question || asked()) return;
    hover = word;
    refresh();
  };
  canvas.addEventListener("pointermove", ui.guard((event) => look(wordAt(event))));
  canvas.addEventListener("pointerleave", ui.guard(() => look(null)));
  canvas.addEventListener("click", ui.guard((event) => {
    const word = wordAt(event);
    if (question || word === null) return;
    hover = null;
    save({ chosen: word, analogy: null });
    ui.pins.toggle(word);
  }));
  canvas.addEventListener("keydown", ui.guard((event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = chosen() ?? pins()[0] ?? 0;
    if (event.key.startsWith("Arrow")) {
      hover = null;
      if (!question) save({ chosen: chosen() === null && !pins().length ? here : stepToward(points, here, event.key) });
    } else if (event.key === "Enter") {
      if (!question && chosen() !== null) ui.pins.toggle(chosen());
    } else if (event.key === "Escape") {
      hover = null;
      ui.pins.clear();
      save({ analogy: null, predict: false });
    } else if (event.key === "[" || event.key === "]") goTo(frameNow() + (event.key === "]" ? 1 : -1));
    else if (event.key === " ") play();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }));
  slider.addEventListener("input", ui.guard(() => goTo(Number(slider.value))));
  playButton.addEventListener("click", ui.guard(play));
  without.addEventListener("change", ui.guard(() => save({ exclude: without.checked })));
  quizButton.addEventListener("click", ui.guard(() => save({ predict: !model.get("predict"), analogy: null })));
  askButton.addEventListener("click", ui.guard(() => {
    const begin = [pins()[0] ?? chosen() ?? 0];
    for (let word = 0; begin.length < 3; word = (word + 1) % space.n) if (!begin.includes(word) || space.n < 3) begin.push(word);
    save({ analogy: asked() ? null : begin, predict: false });
  }));

  ui.watch("payload", () => {
    stop();
    space = readSpace(model.get("payload"));
    map = space.map;
    [hover, question, widths] = [null, null, new Map()];
    remembered.clear();
    words.replaceChildren(...space.labels.map((text) => h("option", { value: text })));
    framesBox.hidden = space.frames < 2;
    askButton.hidden = space.n < 4;
    quizButton.hidden = space.n < 5;
    slider.max = lastFrame();
    legend.replaceChildren(...space.groups.map(legendEntry));
  });
  ui.watch(["payload", "frame"], () => {
    slider.value = shownFrame = frameNow();
    frameName.textContent = space.frames > 1 ? space.frameNames[frameNow()] : "";
    slider.setAttribute("aria-valuetext", frameName.textContent);
  });
  ui.watch(["payload", "frame", "chosen", "pins", "analogy", "exclude"], () => {
    const analogy = asked();
    ask.hidden = !analogy;
    askButton.setAttribute("aria-pressed", Boolean(analogy));
    without.checked = model.get("exclude") !== false;
    if (analogy) for (const [index, box] of boxes.entries()) box.value = space.labels[analogy[index]];
    refresh();
  });
  ui.watch(["payload", "predict"], () => {
    quizButton.setAttribute("aria-pressed", Boolean(model.get("predict")));
    question = null;
    quiz.replaceChildren();
    if (model.get("predict") && space.n > 4) {
      place();
      askNext(0);
    } else refresh();
  });
  ui.onTheme(refresh);
  ui.onResize(paint);
  return () => {
    stop();
    ui.destroy();
  };
}

export default { render,
  shared: { frame: "count", chosen: "choice", pins: "places", exclude: "flag" } };
