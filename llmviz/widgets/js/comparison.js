// ComparisonExplorer: three fine-tuning methods over the steps: accuracy, trainable parameters, forgetting.
import { frame, h, roving } from "./base.js";

const COMPARISON_CSS = `
.rows { display: grid; gap: 8px; }
.row { display: grid; grid-template-columns: minmax(120px, 24%) 1fr; gap: 4px 14px; align-items: center; text-align: left;
  width: 100%; padding: 8px 10px; border: 1px solid var(--line); border-radius: 6px; }
.row .name { font-weight: 600; } .row .learns { font-size: 12px; opacity: .85; }
.row.first { border: 2px solid var(--accent); } .row.second { border: 2px dashed var(--second); }
.meter { display: grid; grid-template-columns: 6.5em 1fr 4.2em; gap: 8px; align-items: center; font-size: 12px; }
.meter .number { text-align: right; font-variant-numeric: tabular-nums; font-size: 14px; }
.track { position: relative; height: 14px; border: 1px solid var(--line); border-radius: 7px; overflow: hidden; }
.track .fill { position: absolute; inset: 0 auto 0 0; background: #0072b2; }
.track .coin { position: absolute; top: 0; bottom: 0; left: 50%; border-left: 2px dotted currentColor; }
.track .loss { background: repeating-linear-gradient(45deg, #d55e00 0 6px, #b04e00 6px 9px); }
.legend { font-size: 12px; margin: 8px 0 0; }
@media (max-width: 520px) { .row { grid-template-columns: 1fr; } }
`;

// What each row has reached at a point: its share of right answers, and by how much its old loss has risen.
export function resultsAt(comparison, methods, point) {
  return methods.map((method) => {
    const points = comparison.points[method];
    const [step, accuracy, oldLoss] = points[Math.min(point, points.length - 1)];
    return { method, step, accuracy, rise: oldLoss - points[0][2], learns: comparison.n_trainable[method] };
  });
}

// The longest rise of any row in any of the comparisons: the end of the forgetting meter's scale.
export const largestRise = (comparisons, methods) => Math.max(0.1, ...comparisons.flatMap((comparison) =>
  methods.flatMap((method) => comparison.points[method].map(([, , oldLoss]) => oldLoss - comparison.points[method][0][2]))));

// Where the comparison on a task with so many labels is in the list (the latest, if it was run more than once); −1: nowhere.
export const indexOfComparison = (comparisons, task, nLabels) => comparisons.findLastIndex((comparison) => comparison.task === task && comparison.n_labels === nLabels);

const twoDigits = (number) => `${number < -0.005 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;

// One sentence for all rows, and one more for two that are pinned.
export function comparisonSentence(names, rows, nLabels, pinned) {
  const each = rows.map((row, i) => `${names[i]} ${row.accuracy.toFixed(2)} right, old loss ${twoDigits(row.rise)}`).join("; ");
  const [first, second] = pinned.map((i) => rows[i]);
  const compared = !second ? "" : ` ${names[pinned[0]]} against ${names[pinned[1]]}: ${twoDigits(first.accuracy - second.accuracy)} right, ` +
    `${twoDigits(first.rise - second.rise)} forgotten.`;
  return `After ${rows[0].step} steps with ${nLabels} labels: ${each}.${compared}`;
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Comparison of methods", css: COMPARISON_CSS });
  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const isLive = Boolean(model.get("is_live"));
  const task = h("select", { "aria-label": "what is to be learned" });
  const labels = h("select", { "aria-label": "how many labeled texts" });
  const slider = h("input", { type: "range", min: "0", step: "1", "aria-label": "evaluation", "data-lm-suppress-shortcuts": "true" });
  const play = h("button", { type: "button" }, "play");
  const again = h("button", { type: "button" }, "train again on other texts");
  const rows = h("div", { class: "rows", role: "group", "aria-label": "the three methods" });
  ui.controls.append(h("label", {}, "learn ", task), h("label", {}, "from ", labels), play, h("label", {}, "steps ", slider),
    ...(isLive ? [again] : []));
  ui.picture.append(rows, h("p", { class: "legend" }, "Dotted: chance (0.5). Hatched: how much the loss on old texts has risen (nats per token)."));

  let chosenMethod = 0, timer = 0;
  const now = () => {
    const { comparisons, methods } = model.get("payload");
    const comparison = comparisons[Math.min(model.get("chosen") ?? 0, comparisons.length - 1)];
    const nPoints = comparison.points[methods[0]].length;
    const point = Math.max(0, Math.min(model.get("point"), nPoints - 1));
    return { comparisons, methods, comparison, nPoints, point, results: resultsAt(comparison, methods, point) };
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "play";
  };
  const wander = roving(rows, {
    columns: () => 1,
    move: (index) => {
      chosenMethod = index;
      tell();
    },
    pin: (index) => ui.pins.toggle(index),
    unpin: () => ui.pins.clear(),
  });

  function meter(name, fills, number) {
    return h("div", { class: "meter" }, h("span", {}, name), h("span", { class: "track" }, ...fills), h("span", { class: "number" }, number));
  }

  function rowOf(one, index, name, comparison, scale) {
    const place = ui.pins.list.indexOf(index);
    const share = (100 * one.learns / comparison.n_parameters).toFixed(one.learns < comparison.n_parameters / 100 ? 2 : 1);
    const fill = (kind, width) => h("span", { class: `fill ${kind}`, style: { width: `${Math.max(0, Math.min(100, width))}%` } });
    return h("button", { type: "button", class: `row ${["first", "second"][place] ?? ""}`, "data-index": index, tabindex: index === chosenMethod ? 0 : -1,
      "aria-pressed": String(place >= 0), onclick: () => {
        chosenMethod = index;
        ui.pins.toggle(index);
      } },
      h("span", {}, h("span", { class: "name" }, name), h("br"),
        h("span", { class: "learns" }, `${one.learns.toLocaleString("en")} trainable parameters (${share}\u00a0%)`)),
      h("span", {}, meter("right", [fill("", 100 * one.accuracy), h("span", { class: "coin" })], one.accuracy.toFixed(2)),
        meter("forgotten", [fill("loss", (100 * one.rise) / scale)], twoDigits(one.rise))));
  }

  function tell() {
    const { names, methods } = model.get("payload");
    const { comparison, point, results } = now();
    ui.say(`${comparisonSentence(names, results, comparison.n_labels, ui.pins.list)} Chosen row: ${names[chosenMethod]}.`);
    ui.code(`comparison.points["${methods[chosenMethod]}"][${point}].accuracy  # ${results[chosenMethod].accuracy.toFixed(2)}`);
  }

  function draw() {
    const { names, tasks, methods } = model.get("payload");
    const { comparisons, comparison, nPoints, point, results } = now();
    const option = (value, text, chosen) => h("option", { value, selected: chosen ? "" : null }, text);
    const there = [...new Set(comparisons.map((one) => one.task))];
    const budgets = [...new Set(comparisons.filter((one) => one.task === comparison.task).map((one) => one.n_labels))].sort((a, b) => a - b);
    task.replaceChildren(...there.map((name) => option(name, tasks[name] ?? name)));
    labels.replaceChildren(...budgets.map((number) => option(String(number), `${number} labels`)));
    task.value = comparison.task;
    labels.value = String(comparison.n_labels);
    slider.max = String(nPoints - 1);
    slider.value = String(point);
    slider.setAttribute("aria-valuetext", `step ${results[0].step}`);
    const hadFocus = rows.contains(rows.getRootNode().activeElement);
    const scale = largestRise(comparisons, methods);
    rows.replaceChildren(...results.map((one, index) => rowOf(one, index, names[index], comparison, scale)));
    if (hadFocus) wander.focus(chosenMethod);
    tell();
    ui.table(() => ({ caption: `${tasks[comparison.task] ?? comparison.task}, ${comparison.n_labels} labels`,
      columns: ["step", ...names.flatMap((name) => [`${name}: right`, `${name}: old loss`])],
      rows: comparison.points[methods[0]].map(([step], i) => [String(step), ...methods.flatMap((method) => {
        const row = comparison.points[method][i];
        return row ? [row[1].toFixed(2), row[2].toFixed(3)] : ["", ""];
      })]) }));
  }

  const choose = (nextTask, nextLabels) => {
    const { comparisons } = model.get("payload");
    const same = indexOfComparison(comparisons, nextTask, nextLabels);
    const index = same >= 0 ? same : comparisons.findIndex((comparison) => comparison.task === nextTask);
    stop();
    set({ chosen: index });
  };
  task.addEventListener("change", () => choose(task.value, Number(labels.value)));
  labels.addEventListener("change", () => choose(task.value, Number(labels.value)));
  slider.addEventListener("input", () => {
    stop();
    set({ point: Number(slider.value) });
  });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (now().point === now().nPoints - 1) set({ point: 0 });
    play.textContent = "stop";
    timer = setInterval(() => {
      const { point, nPoints } = now();
      if (point >= nPoints - 1) return stop();
      set({ point: point + 1 });
    }, 450);
  });
  again.addEventListener("click", () => {
    stop();
    set({ runs: model.get("runs") + 1 });
  });
  ui.watch(["payload", "chosen", "point", "pins"], draw);
  if (isLive) {
    ui.watch("running", () => {
      const isRunning = model.get("running");
      again.disabled = task.disabled = labels.disabled = isRunning;
      again.textContent = isRunning ? "training …" : "train again on other texts";
    });
  }
  return () => {
    stop();
    ui.destroy();
  };
}

export default { render,
  shared: { chosen: "count", point: "count", pins: "places" } };
