// RaceExplorer: three lanes over the steps: what is right, how many numbers learn, and how much is forgotten.
import { frame, h, roving } from "./base.js";

const RACE_CSS = `
.lanes { display: grid; gap: 8px; }
.lane { display: grid; grid-template-columns: minmax(120px, 24%) 1fr; gap: 4px 14px; align-items: center; text-align: left;
  width: 100%; padding: 8px 10px; border: 1px solid var(--line); border-radius: 6px; }
.lane .name { font-weight: 600; } .lane .learns { font-size: 12px; opacity: .85; }
.lane.first { border: 2px solid var(--accent); } .lane.second { border: 2px dashed var(--second); }
.meter { display: grid; grid-template-columns: 6.5em 1fr 4.2em; gap: 8px; align-items: center; font-size: 12px; }
.meter .number { text-align: right; font-variant-numeric: tabular-nums; font-size: 14px; }
.track { position: relative; height: 14px; border: 1px solid var(--line); border-radius: 7px; overflow: hidden; }
.track .fill { position: absolute; inset: 0 auto 0 0; background: #0072b2; }
.track .coin { position: absolute; top: 0; bottom: 0; left: 50%; border-left: 2px dotted currentColor; }
.track .loss { background: repeating-linear-gradient(45deg, #d55e00 0 6px, #b04e00 6px 9px); }
.legend { font-size: 12px; margin: 8px 0 0; }
@media (max-width: 520px) { .lane { grid-template-columns: 1fr; } }
`;

// What each lane has reached at a lap: its share of right answers, and by how much its old loss has risen.
export function standing(race, methods, lap) {
  return methods.map((method) => {
    const laps = race.laps[method];
    const [step, accuracy, oldLoss] = laps[Math.min(lap, laps.length - 1)];
    return { method, step, accuracy, rise: oldLoss - laps[0][2], learns: race.n_changed[method] };
  });
}

// The longest rise of any lane in any of the races: the end of the forgetting meter's scale.
export const largestRise = (races, methods) => Math.max(0.1, ...races.flatMap((race) =>
  methods.flatMap((method) => race.laps[method].map(([, , oldLoss]) => oldLoss - race.laps[method][0][2]))));

// Where the race on a task with so many labels is in the list (the latest, if it was run more than once); −1: nowhere.
export const raceOf = (races, task, nLabels) => races.findLastIndex((race) => race.task === task && race.n_labels === nLabels);

const twoDigits = (number) => `${number < -0.005 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;

// One sentence for all lanes, and one more for two that are pinned.
export function raceSentence(names, lanes, nLabels, pinned) {
  const each = lanes.map((lane, i) => `${names[i]} ${lane.accuracy.toFixed(2)} right, old loss ${twoDigits(lane.rise)}`).join("; ");
  const [first, second] = pinned.map((i) => lanes[i]);
  const compared = !second ? "" : ` ${names[pinned[0]]} against ${names[pinned[1]]}: ${twoDigits(first.accuracy - second.accuracy)} right, ` +
    `${twoDigits(first.rise - second.rise)} forgotten.`;
  return `After ${lanes[0].step} steps with ${nLabels} labels: ${each}.${compared}`;
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Three-lane race", css: RACE_CSS });
  const set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const isLive = Boolean(model.get("is_live"));
  const task = h("select", { "aria-label": "what is to be learned" });
  const labels = h("select", { "aria-label": "how many labeled texts" });
  const slider = h("input", { type: "range", min: "0", step: "1", "aria-label": "lap", "data-lm-suppress-shortcuts": "true" });
  const play = h("button", { type: "button" }, "run");
  const again = h("button", { type: "button" }, "train it here, with other texts");
  const lanes = h("div", { class: "lanes", role: "group", "aria-label": "the three lanes" });
  ui.controls.append(h("label", {}, "learn ", task), h("label", {}, "from ", labels), play, h("label", {}, "steps ", slider),
    ...(isLive ? [again] : []));
  ui.picture.append(lanes, h("p", { class: "legend" }, "Dotted: a coin. Hatched: how much the loss on old texts has risen (nats per token)."));

  let chosenLane = 0, timer = 0;
  const now = () => {
    const { races, methods } = model.get("payload");
    const race = races[Math.min(model.get("race"), races.length - 1)];
    const nLaps = race.laps[methods[0]].length;
    const lap = Math.max(0, Math.min(model.get("lap"), nLaps - 1));
    return { races, methods, race, nLaps, lap, standings: standing(race, methods, lap) };
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "run";
  };
  const wander = roving(lanes, {
    columns: () => 1,
    move: (index) => {
      chosenLane = index;
      tell();
    },
    pin: (index) => ui.pins.toggle(index),
    unpin: () => ui.pins.clear(),
  });

  function meter(name, fills, number) {
    return h("div", { class: "meter" }, h("span", {}, name), h("span", { class: "track" }, ...fills), h("span", { class: "number" }, number));
  }

  function lane(one, index, name, race, scale) {
    const place = ui.pins.list.indexOf(index);
    const share = (100 * one.learns / race.n_parameters).toFixed(one.learns < race.n_parameters / 100 ? 2 : 1);
    const fill = (kind, width) => h("span", { class: `fill ${kind}`, style: { width: `${Math.max(0, Math.min(100, width))}%` } });
    return h("button", { type: "button", class: `lane ${["first", "second"][place] ?? ""}`, "data-index": index, tabindex: index === chosenLane ? 0 : -1,
      "aria-pressed": String(place >= 0), onclick: () => {
        chosenLane = index;
        ui.pins.toggle(index);
      } },
      h("span", {}, h("span", { class: "name" }, name), h("br"),
        h("span", { class: "learns" }, `${one.learns.toLocaleString("en")} numbers learn (${share} %)`)),
      h("span", {}, meter("right", [fill("", 100 * one.accuracy), h("span", { class: "coin" })], one.accuracy.toFixed(2)),
        meter("forgotten", [fill("loss", (100 * one.rise) / scale)], twoDigits(one.rise))));
  }

  function tell() {
    const { names, methods } = model.get("payload");
    const { race, lap, standings } = now();
    ui.say(`${raceSentence(names, standings, race.n_labels, ui.pins.list)} Here: ${names[chosenLane]}.`);
    ui.code(`race.points["${methods[chosenLane]}"][${lap}].accuracy  # ${standings[chosenLane].accuracy.toFixed(2)}`);
  }

  function draw() {
    const { names, tasks, methods } = model.get("payload");
    const { races, race, nLaps, lap, standings } = now();
    const option = (value, text, chosen) => h("option", { value, selected: chosen ? "" : null }, text);
    const there = [...new Set(races.map((one) => one.task))];
    const budgets = [...new Set(races.filter((one) => one.task === race.task).map((one) => one.n_labels))].sort((a, b) => a - b);
    task.replaceChildren(...there.map((name) => option(name, tasks[name] ?? name)));
    labels.replaceChildren(...budgets.map((number) => option(String(number), `${number} labels`)));
    task.value = race.task;
    labels.value = String(race.n_labels);
    slider.max = String(nLaps - 1);
    slider.value = String(lap);
    slider.setAttribute("aria-valuetext", `step ${standings[0].step}`);
    const hadFocus = lanes.contains(lanes.getRootNode().activeElement);
    const scale = largestRise(races, methods);
    lanes.replaceChildren(...standings.map((one, index) => lane(one, index, names[index], race, scale)));
    if (hadFocus) wander.focus(chosenLane);
    tell();
    ui.table(() => ({ caption: `${tasks[race.task] ?? race.task}, ${race.n_labels} labels`,
      columns: ["step", ...names.flatMap((name) => [`${name}: right`, `${name}: old loss`])],
      rows: race.laps[methods[0]].map(([step], i) => [String(step), ...methods.flatMap((method) => {
        const row = race.laps[method][i];
        return row ? [row[1].toFixed(2), row[2].toFixed(3)] : ["", ""];
      })]) }));
  }

  const choose = (nextTask, nextLabels) => {
    const { races } = model.get("payload");
    const same = raceOf(races, nextTask, nextLabels);
    const index = same >= 0 ? same : races.findIndex((race) => race.task === nextTask);
    stop();
    set({ race: index });
  };
  task.addEventListener("change", () => choose(task.value, Number(labels.value)));
  labels.addEventListener("change", () => choose(task.value, Number(labels.value)));
  slider.addEventListener("input", () => {
    stop();
    set({ lap: Number(slider.value) });
  });
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (now().lap === now().nLaps - 1) set({ lap: 0 });
    play.textContent = "stop";
    timer = setInterval(() => {
      const { lap, nLaps } = now();
      if (lap >= nLaps - 1) return stop();
      set({ lap: lap + 1 });
    }, 450);
  });
  again.addEventListener("click", () => {
    stop();
    set({ runs: model.get("runs") + 1 });
  });
  ui.watch(["payload", "race", "lap", "pins"], draw);
  if (isLive) {
    ui.watch("running", () => {
      const isRunning = model.get("running");
      again.disabled = task.disabled = labels.disabled = isRunning;
      again.textContent = isRunning ? "training …" : "train it here, with other texts";
    });
  }
  return () => {
    stop();
    ui.destroy();
  };
}

export default { render };
