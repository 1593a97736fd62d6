// TrainingExplorer, the training scrubber: one slider through the saved steps of a run, or of two side by side.
import { frame, guess, h } from "./base.js";
import { amongBaselines, nearestFrame, percent, readRun, scrubQuestion, thousands } from "./training_data.js";
import { RUN_CSS, makeRunPart } from "./training_run.js";

const SCRUB_CSS = `
.scrub { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; padding: 2px 0; position: sticky; top: 0; z-index: 1; background: var(--paper, Canvas); }
.scrub input[type=range] { flex: 1; width: auto; min-width: 120px; }
.at { min-width: 9em; font-variant-numeric: tabular-nums; }
.controls select { max-width: 10em; }
`;
const HELP = "Drag, or ← →: saved steps. Hover over a curve: look. Click or Enter: pin a step and compare. Esc: unpin. ↑ ↓: another beginning. Space: play.";
// The boxes of a notebook around an output scroll on their own and would keep the slider from staying in sight.
const OUTSIDE_CSS = `.jp-CodeCell:not(.jp-mod-outputsScrolled) :is(.jp-OutputArea, .jp-OutputArea-child, .jp-OutputArea-output):has([data-lv-sticky]) { overflow: clip; }`;
// What two runs side by side show below their losses, one at a time, and which choices belong to it.
const PARTS = [["writes", "what it writes"], ["bars", "next token"], ["looks", "a head"], ["map", "map of the embeddings"]];
const FRAME_MILLISECONDS = 380;

function render({ model, el }) {
  const ui = frame({ model, el, title: "Training explorer", css: RUN_CSS + SCRUB_CSS });
  el.dataset.lvSticky = "";
  if (!document.getElementById("lv-sticky")) document.head.append(h("style", { id: "lv-sticky" }, OUTSIDE_CSS));
  const quiet = { "data-lm-suppress-shortcuts": "true" };
  const playButton = h("button", { type: "button", ...quiet }, "▶ play");
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": "saved step", ...quiet });
  const at = h("span", { class: "at" });
  const quizButton = h("button", { type: "button", ...quiet }, "predict");
  const choice = (label) => {
    const select = h("select", { "aria-label": label, ...quiet });
    return { select, box: h("label", {}, `${label} `, select) };
  };
  const [partBox, prefixBox, sentenceBox, headBox, wordBox] = ["show", "beginning", "sentence", "head", "follow"].map(choice);
  const quiz = h("div", {});
  const runsBox = h("div", { class: "runs" });
  ui.controls.before(h("div", { class: "scrub" }, playButton, slider, at, quizButton));
  ui.controls.append(partBox.box, prefixBox.box, sentenceBox.box, headBox.box, wordBox.box);
  ui.foot.append(h("details", {}, h("summary", {}, "keys"), HELP));
  ui.picture.append(quiz, runsBox);

  let runs = [], parts = [], steps = [], code = "", hover = null, question = null, playing = 0, shown = null;
  const save = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  };
  const clamp = (value, count) => Math.min(Math.max(0, Number.isInteger(value) ? value : 0), Math.max(0, count - 1));
  const frameNow = () => clamp(model.get("frame"), steps.length);
  const first = () => runs[0];
  const heads = () => (first().attention.length ? first().attention[0].layers * first().attention[0].heads : 0);
  const wordNow = () => (first().words[model.get("word")] === undefined ? null : model.get("word"));
  const pins = () => ui.pins.list.filter((pin) => Number.isInteger(pin) && pin >= 0 && pin < steps.length);
  const isHidden = () => Boolean(question && !question.revealed);

  function state() {
    const now = question ? question.asked : hover ?? frameNow();
    return { frame: now, shown: shown ?? now, pins: question ? [] : pins(), prefix: clamp(model.get("prefix"), first().nextTokens.length),
      sentence: clamp(model.get("sentence"), first().attention.length), head: clamp(model.get("head"), heads()), word: wordNow() };
  }

  function draw() {
    const now = state();
    for (const part of parts) {
      part.hide(isHidden());
      part.show(now);
      part.marks.setAttribute("aria-label", `loss curve, at step ${thousands(steps[now.frame])}: choose a saved step with the arrow keys`);
    }
    slider.value = now.frame;
    at.textContent = `step ${thousands(steps[now.frame])}`;
    slider.setAttribute("aria-valuetext", at.textContent);
    ui.locked(isHidden());
    tell(now);
  }

  const lossOf = (run, now) => `${run.held_out[now].toFixed(2)} nats a token on unseen texts${amongBaselines(run.held_out[now], run.baselines)}; ` +
    `${run.training[now].toFixed(2)} on its own`;
  function runSentence(run, { frame: now, prefix }) {
    const frames = run.nextTokens[prefix];
    const probabilities = frames?.at(now);
    const best = frames ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    return `${runs.length > 1 ? `${run.name}: ` : ""}${lossOf(run, now)}${run.copied ? `; ${percent(run.copied[now])} memorized` : ""}` +
      `${run.valid ? `, ${percent(run.valid[now])} of its texts possible` : ""}.` +
      `${frames ? ` After “…${frames.prefix.slice(-24)}” most likely “${frames.tokens[best]}” (${probabilities[best].toFixed(2)}).` : ""}`;
  }

  function tell(now) {
    const here = `Step ${thousands(steps[now.frame])}`;
    if (isHidden()) ui.say(`Predict: what does it write at step ${thousands(steps[now.frame])}?`);
    else {
      const pinned = now.pins.filter((pin) => pin !== now.frame).map((pin) => ` Pinned, step ${thousands(steps[pin])}: ${lossOf(first(), pin)}.`);
      ui.say(`${here}. ${runs.map((run) => runSentence(run, now)).join(" ")}${pinned.join("")}`);
    }
    ui.code(isHidden() ? "" : `${code.replace("{frame}", now.frame)}  # ${first().held_out[now.frame].toFixed(2)}`);
    ui.table(isHidden() ? null : tableOf);
  }

  function tableOf() {
    const named = (run, name) => (runs.length > 1 ? `${run.name}: ${name}` : name);
    const columns = runs.flatMap((run) => [named(run, "training loss"), named(run, "loss on unseen texts"),
      ...(run.copied ? [named(run, "copied")] : []), ...(run.valid ? [named(run, "possible")] : []),
      ...run.nextTokens.map((frames) => `“${frames.tokens[0]}” after “…${frames.prefix.slice(-24)}”`)]);
    return { caption: "Every saved step, losses in nats per token", columns: ["step", ...columns, "it writes"],
      rows: steps.map((step, frame) => [thousands(step), ...runs.flatMap((run) => [run.training[frame].toFixed(3), run.held_out[frame].toFixed(3),
        ...(run.copied ? [percent(run.copied[frame])] : []), ...(run.valid ? [percent(run.valid[frame])] : []),
        ...run.nextTokens.map((frames) => frames.at(frame)[0].toFixed(3))]), first().options[frame] ?? ""]) };
  }

  function stop() {
    cancelAnimationFrame(playing);
    [playing, shown] = [0, null];
    playButton.textContent = "▶ play";
  }
  function goTo(to) {
    stop();
    hover = null;
    if (!question) save({ frame: clamp(to, steps.length) });
    draw();
  }
  // The points glide; everything else goes from saved step to saved step.
  function play() {
    if (playing || steps.length < 2 || question) return stop();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const from = frameNow() === steps.length - 1 ? 0 : frameNow();
    let [begun, last] = [null, -1];
    hover = null;
    playButton.textContent = "■ stop";
    const tick = ui.guard((time) => {
      begun ??= time;
      const place = Math.min(steps.length - 1, from + (time - begun) / FRAME_MILLISECONDS);
      shown = calm ? Math.floor(place) : place;
      if (Math.floor(place) !== last) {
        last = Math.floor(place);
        save({ frame: last });
        draw();
      } else if (!calm) for (const part of parts) part.paintPoints(state());
      if (place < steps.length - 1) playing = requestAnimationFrame(tick);
      else stop();
    });
    playing = requestAnimationFrame(tick);
    return undefined;
  }

  function askNext(number) {
    stop();
    hover = null;
    const asked = scrubQuestion(steps, first().options, number);
    if (!asked) return;
    question = { ...asked, revealed: false };
    const stepOf = (index) => thousands(steps[asked.frames[index]]);
    quiz.replaceChildren(guess({
      question: `Which of these did it write at step ${thousands(steps[asked.asked])} of ${thousands(steps.at(-1))}?`,
      options: asked.frames.map((frame) => first().options[frame]),
      judge: (index) => ({ right: asked.right, text: index === asked.right
        ? `Yes: loss ${first().held_out[asked.asked].toFixed(2)} on unseen texts sounds like this.`
        : `No: that was step ${stepOf(index)}, at a loss of ${first().held_out[asked.frames[index]].toFixed(2)} on unseen texts; ` +
          `at step ${stepOf(asked.right)} it is ${first().held_out[asked.asked].toFixed(2)}.` }),
      revealed: () => {
        question.revealed = true;
        draw();
      },
      next: () => askNext(number + 1),
      leave: () => save({ predict: false }),
    }));
    draw();
    quiz.querySelector(".option")?.focus({ preventScroll: true });
  }

  const on = {
    quiet: () => Boolean(question),
    point: (place, layout) => {
      const to = nearestFrame(steps, layout.x, place);
      if (question || playing || to === hover) return;
      hover = to;
      draw();
    },
    leave: () => {
      if (hover === null) return;
      hover = null;
      draw();
    },
    choose: ui.guard((place, layout) => {
      if (question) return;
      const to = nearestFrame(steps, layout.x, place);
      stop();
      hover = null;
      save({ frame: to });
      ui.pins.toggle(to);
    }),
    key: ui.guard((event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const count = first().nextTokens.length;
      const turn = (by) => count && save({ prefix: (clamp(model.get("prefix"), count) + by + count) % count });
      const actions = { ArrowLeft: () => goTo(frameNow() - 1), ArrowRight: () => goTo(frameNow() + 1), Home: () => goTo(0), End: () => goTo(steps.length - 1),
        ArrowUp: () => turn(-1), ArrowDown: () => turn(1), " ": play,
        Enter: () => !question && ui.pins.toggle(frameNow()),
        Escape: () => {
          hover = null;
          ui.pins.clear();
          save({ predict: false });
          draw();
        } };
      if (!actions[event.key]) return;
      actions[event.key]();
      event.preventDefault();
      event.stopPropagation();
    }),
    head: ui.guard((head) => save({ head })),
    word: ui.guard((word) => save({ word })),
  };

  const options = (texts) => texts.map((text) => h("option", {}, text));
  ui.watch("payload", () => {
    stop();
    const payload = model.get("payload");
    [steps, code, hover, question] = [payload.steps, payload.code, null, null];
    runs = payload.runs.map((run) => readRun(run, steps.length));
    parts = runs.map((run, index) => makeRunPart(run, { ui, steps, isAlone: runs.length === 1, isFirst: index === 0, on, quiet }));
    runsBox.style.setProperty("--runs", runs.length);
    runsBox.classList.toggle("two", runs.length > 1);
    runsBox.replaceChildren(...parts.map(({ box }) => box));
    slider.max = steps.length - 1;
    const fill = ({ select, box }, texts, isUseful = texts.length > 1) => {
      select.replaceChildren(...options(texts));
      box.hidden = !isUseful;
    };
    fill(prefixBox, first().nextTokens.map(({ prefix }) => (prefix.length > 28 ? `…${prefix.slice(-27)}` : prefix)));
    fill(sentenceBox, first().attention.map(({ frames }) => frames.labels.slice(1, 4).join(" ")));
    fill(headBox, Array.from({ length: heads() }, (_, head) =>
      `layer ${Math.floor(head / first().attention[0].heads)}, head ${head % first().attention[0].heads}`));
    fill(wordBox, ["no word", ...first().words]);
    fill(partBox, PARTS.map(([, title]) => title), runs.length > 1);
    showPart();
    quizButton.hidden = !scrubQuestion(steps, first().options, 0);
  });
  ui.watch(["payload", "frame", "prefix", "sentence", "head", "word", "pins"], () => {
    const now = state();
    prefixBox.select.selectedIndex = now.prefix;
    sentenceBox.select.selectedIndex = now.sentence;
    headBox.select.selectedIndex = now.head;
    wordBox.select.selectedIndex = now.word === null ? 0 : now.word + 1;
    draw();
  });
  ui.watch(["payload", "predict"], () => {
    quizButton.setAttribute("aria-pressed", Boolean(model.get("predict")));
    question = null;
    quiz.replaceChildren();
    if (model.get("predict")) askNext(0);
    draw();
  });
  slider.addEventListener("input", ui.guard(() => goTo(Number(slider.value))));
  playButton.addEventListener("click", ui.guard(play));
  quizButton.addEventListener("click", ui.guard(() => save({ predict: !model.get("predict") })));
  for (const [{ select }, name, shift] of [[prefixBox, "prefix", 0], [sentenceBox, "sentence", 0], [headBox, "head", 0], [wordBox, "word", -1]]) {
    select.addEventListener("change", ui.guard(() => save({ [name]: select.selectedIndex + shift < 0 ? null : select.selectedIndex + shift })));
  }
  // All parts of one run; of two runs side by side the chosen one.
  function showPart() {
    const shown = runs.length > 1 ? PARTS[Math.max(0, partBox.select.selectedIndex)][0] : null;
    for (const { cells } of parts) for (const cell of cells.children) cell.hidden = Boolean(shown) && !cell.matches(`.loss, .${shown}`);
    for (const [{ box }, part] of [[prefixBox, "bars"], [sentenceBox, "looks"], [headBox, "looks"], [wordBox, "map"]]) {
      box.classList.toggle("locked", Boolean(shown) && part !== shown);
    }
  }
  partBox.select.addEventListener("change", ui.guard(() => {
    showPart();
    draw();
  }));
  const repaint = () => {
    for (const part of parts) part.paintCurves();
    draw();
  };
  ui.onTheme(repaint);
  ui.onResize(repaint);
  return () => {
    stop();
    ui.destroy();
  };
}

export default { render,
  shared: { frame: "count", prefix: "count", sentence: "count", head: "count", word: "choice", pins: "places" } };
