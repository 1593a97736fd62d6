// BudgetExplorer: machines, days and the size of the model on sliders; tokens, loss with its error, memory, energy, cost.
import { frame, h, svg } from "./base.js";

const BUDGET_WIDTH = 420;
const BUDGET_HEIGHT = 250;
const BUDGET_LEFT = 46;
const BUDGET_BELOW = 40;
const BUDGET_CSS = `
.budget { display: grid; grid-template-columns: minmax(220px, 440px) 1fr; gap: 10px 24px; align-items: start; }
@media (max-width: 600px) { .budget { grid-template-columns: 1fr; } }
.budget svg { width: 100%; height: auto; display: block; }
.budget text { fill: currentColor; font-size: 12px; }
.budget .axis { stroke: var(--line); } .budget .law { fill: none; stroke: var(--second); stroke-width: 2; }
.budget .errors { fill: var(--second); opacity: .2; } .budget .best { stroke: currentColor; stroke-dasharray: 4 4; opacity: .6; }
.budget .here { fill: var(--accent); }
.budget dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 14px; margin: 0; font-variant-numeric: tabular-nums; }
.budget dt { opacity: .8; } .budget dd { margin: 0; overflow-wrap: anywhere; } .budget .warn { color: var(--accent); font-weight: 600; }
.controls .value { display: inline-block; min-width: 4.5em; }
`;
const DAY = 86400;

// The loss of a law [floor, a, alpha, b, beta] for so many parameters and tokens, and its best size for so many operations.
export const lawLoss = ([floor, a, alpha, b, beta], size, tokens) => floor + a * size ** -alpha + b * tokens ** -beta;
export const bestSize = ([, a, alpha, b, beta], perToken) =>
  ((alpha * a) / (beta * b)) ** (1 / (alpha + beta)) * perToken ** (beta / (alpha + beta));

// Everything about one plan: what is bought, and what it gives.
export function budgetPlan(payload, state) {
  const at = (list, index) => list[Math.min(list.length - 1, Math.max(0, Math.round(Number(index)) || 0))];
  const machine = at(payload.machines, state.machine);
  const [count, days, factor, law] = [at(payload.counts, state.count), at(payload.days, state.day), at(payload.sizes, state.size), at(payload.laws, state.law)];
  const compute = machine.speed * machine.used * count * days * DAY;
  const best = bestSize(law.fits[0], compute / payload.operations);
  const sized = (size) => {
    const tokens = compute / payload.operations / size;
    const losses = law.fits.map((fit) => lawLoss(fit, size, tokens));
    return { size, tokens, loss: losses[0], low: Math.min(...losses), high: Math.max(...losses) };
  };
  const hours = 24 * days * count;
  return { machine, count, days, law, compute, best, curve: payload.sizes.map((one) => sized(best * one)), ...sized(best * factor), factor,
    memory: payload.bytes * best * factor, kilowattHours: (hours * machine.watts) / 1000, dollars: hours * machine.dollars };
}

const UNITS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"], [1e3, "thousand"]];
const rounded = (number) => (number >= 100 ? Math.round(number).toLocaleString("en-US") : String(Number(number.toPrecision(2))));
export function spoken(number) {
  const [unit, name] = UNITS.find(([one]) => number >= one) ?? [1, ""];
  return number >= 1e15 ? power(number) : `${rounded(number / unit)} ${name}`.trim();
}
const RAISED = { 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹", "-": "⁻" };
function power(number) {
  const exponent = Math.floor(Math.log10(number));
  return `${(number / 10 ** exponent).toFixed(1)} · 10${[...String(exponent)].map((digit) => RAISED[digit]).join("")}`;
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Budget explorer", css: BUDGET_CSS });
  const set = (name, value) => {
    model.set(name, Number(value));
    model.save_changes();
  };
  const payload = () => model.get("payload");
  const choice = (name, label) => {
    const box = h("select", { "aria-label": label, onchange: () => set(name, box.value) });
    return { box, label: h("label", {}, `${label} `, box) };
  };
  const slider = (name, label, spokenLabel) => {
    const box = h("input", { type: "range", min: 0, step: 1, "aria-label": spokenLabel, oninput: () => set(name, box.value) });
    const value = h("strong", { class: "value" });
    return { box, value, label: h("label", {}, `${label} `, box, value) };
  };
  const law = choice("law", "law");
  const machine = choice("machine", "machine");
  const count = slider("count", "how many", "how many machines");
  const day = slider("day", "days", "days of training");
  const size = slider("size", "model", "size of the model, as a multiple of the best size");
  ui.controls.append(law.label, machine.label, count.label, day.label, size.label);
  const box = h("div", { class: "budget" });
  ui.picture.append(box);

  function chart(plan) {
    const top = Math.max(...plan.curve.map((one) => one.high));
    const floor = Math.min(...plan.curve.map((one) => one.low));
    const span = Math.max(top - floor, 1e-6);
    const at = (index) => BUDGET_LEFT + (index / Math.max(1, plan.curve.length - 1)) * (BUDGET_WIDTH - BUDGET_LEFT - 14);
    const up = (loss) => 12 + (1 - (loss - floor) / span) * (BUDGET_HEIGHT - BUDGET_BELOW - 16);
    const line = (key) => plan.curve.map((one, index) => `${at(index).toFixed(1)},${up(one[key]).toFixed(1)}`);
    const here = Math.max(0, payload().sizes.indexOf(plan.factor));
    const best = payload().sizes.findIndex((one) => one === 1);
    const bottom = BUDGET_HEIGHT - BUDGET_BELOW;
    const label = `Loss for models of several sizes, all with ${power(plan.compute)} operations. ` +
      `Lowest near ${spoken(plan.best)} parameters.`;
    const ticks = [floor, floor + span / 2, top].map((loss) =>
      svg("text", { x: BUDGET_LEFT - 6, y: up(loss) + 4, "text-anchor": "end" }, loss.toFixed(2)));
    const names = [0, best, plan.curve.length - 1].map((index, place) =>
      svg("text", { x: at(index), y: bottom + 16, "text-anchor": ["start", "middle", "end"][place] }, spoken(plan.curve[index].size)));
    return svg("svg", { viewBox: `0 0 ${BUDGET_WIDTH} ${BUDGET_HEIGHT}`, role: "img", "aria-label": label },
      svg("polygon", { class: "errors", points: [...line("high"), ...line("low").reverse()].join(" ") }),
      svg("line", { class: "axis", x1: BUDGET_LEFT, x2: BUDGET_WIDTH - 14, y1: bottom, y2: bottom }),
      svg("line", { class: "axis", x1: BUDGET_LEFT, x2: BUDGET_LEFT, y1: 8, y2: bottom }),
      svg("line", { class: "best", x1: at(best), x2: at(best), y1: 8, y2: bottom }),
      svg("polyline", { class: "law", points: line("loss").join(" ") }),
      svg("circle", { class: "here", cx: at(here), cy: up(plan.loss), r: 6 }),
      ...ticks, ...names,
      svg("text", { x: BUDGET_LEFT + 8, y: 18 }, "loss, nats a token"),
      svg("text", { x: (BUDGET_LEFT + BUDGET_WIDTH) / 2, y: BUDGET_HEIGHT - 6, "text-anchor": "middle" }, "parameters (same computation everywhere)"));
  }

  function facts(plan) {
    const room = plan.machine.memory * plan.count;
    const fits = plan.memory <= room;
    const rows = [["operations", power(plan.compute)], ["parameters", spoken(plan.size)], ["tokens", spoken(plan.tokens)],
      ["tokens a parameter", rounded(plan.tokens / plan.size)], ["loss", `${plan.loss.toFixed(2)} (${plan.low.toFixed(2)} to ${plan.high.toFixed(2)})`],
      ["memory", `${spoken(plan.memory)} bytes of ${spoken(room)}${fits ? "" : ": does not fit"}`],
      ["energy", `${rounded(plan.kilowattHours)} kWh`], ["cost", plan.dollars ? `${spoken(plan.dollars)} dollars` : "your own machine"]];
    return h("dl", {}, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", { class: name === "memory" && !fits ? "warn" : undefined }, value)]));
  }

  function draw() {
    const state = Object.fromEntries(["law", "machine", "count", "day", "size"].map((name) => [name, model.get(name)]));
    const plan = budgetPlan(payload(), state);
    const { laws, machines, counts, days, sizes } = payload();
    for (const [{ box: select }, names, name] of [[law, laws, "law"], [machine, machines, "machine"]]) {
      if (select.options.length !== names.length) select.replaceChildren(...names.map((one, index) => h("option", { value: index }, one.name)));
      select.value = String(state[name]);
    }
    for (const [one, list, name, shown] of [[count, counts, "count", plan.count.toLocaleString("en-US")], [day, days, "day", String(plan.days)],
      [size, sizes, "size", plan.factor === 1 ? "best size" : `${rounded(plan.factor)} × best`]]) {
      one.box.max = list.length - 1;
      one.box.value = state[name];
      one.value.textContent = shown;
      one.box.setAttribute("aria-valuetext", shown);
    }
    box.replaceChildren(chart(plan), facts(plan));
    const beyond = plan.compute / plan.law.limit;
    const warning = beyond > 2 ? ` This is ${spoken(beyond)} times the computation of the models that the law was fitted to: an extrapolation.` : "";
    const more = plan.factor === 1 ? "This is the best size for this budget." :
      `The best size for this budget: ${spoken(plan.best)} parameters.`;
    const bought = plan.count === 1 ? plan.machine.one : `${plan.count.toLocaleString("en-US")} ${plan.machine.name}`;
    ui.say(`${bought}, ${plan.days === 1 ? "1 day" : `${plan.days} days`}: ${spoken(plan.size)} parameters read ${spoken(plan.tokens)} tokens; ` +
      `loss ${plan.loss.toFixed(2)} by the law “${plan.law.name}”. ${more}${warning}`);
    ui.code(`law.loss(${plan.size.toPrecision(3)}, ${plan.tokens.toPrecision(3)})  # law = scaling.LossLaw(${plan.law.fits[0].map((one) => one.toPrecision(4)).join(", ")})`);
    ui.table(() => ({ caption: "The same computation, spent on models of several sizes",
      columns: ["parameters", "tokens", "tokens a parameter", "loss", "by other fits"],
      rows: plan.curve.map((one) => [spoken(one.size), spoken(one.tokens), rounded(one.tokens / one.size), one.loss.toFixed(2), `${one.low.toFixed(2)} to ${one.high.toFixed(2)}`]) }));
  }

  ui.watch(["payload", "law", "machine", "count", "day", "size"], draw);
  return ui.destroy;
}

export default { render,
  shared: { law: "count", machine: "count", count: "count", day: "count", size: "count" } };
