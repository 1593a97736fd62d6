// RemedyExplorer: the remedies board. Switches turn remedies on; five numbers move together.
import { frame, h, roving, signed } from "./base.js";

const REMEDIES_CSS = `
.remedies { display: grid; gap: 12px; }
.switches { display: flex; flex-wrap: wrap; gap: 6px; }
.switches button[aria-pressed="true"] { font-weight: 600; }
.meters { display: grid; grid-template-columns: minmax(9em, max-content) minmax(80px, 1fr) 3.4em 4.2em; gap: 8px 10px; align-items: center; }
.meters .bar { position: relative; height: 16px; border: 1px solid var(--line); }
.meters .fill { position: absolute; inset: 0 auto 0 0; background: var(--second); }
.meters .was { position: absolute; top: -3px; bottom: -3px; border-left: 2px solid var(--accent); }
.meters .seed { position: absolute; top: 5px; width: 4px; height: 4px; margin-left: -2px; border-radius: 50%; background: currentColor; }
.meters .number, .meters .change { text-align: right; font-variant-numeric: tabular-nums; }
.remedies .key { font-size: 12px; margin: 0; }
@media (max-width: 600px) { .meters { grid-template-columns: 1fr 3.2em 4em; grid-auto-flow: row dense; } .meters .bar { grid-column: 1 / -1; } }
`;

const remedyMean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

// "010000" with one switch turned.
export const turned = (on, place) => [...on].map((one, at) => (at === place ? String(1 - Number(one)) : one)).join("");

function render({ model, el }) {
  const ui = frame({ model, el, title: "Remedies board", css: REMEDIES_CSS });
  const payload = () => model.get("payload");
  const none = () => "0".repeat(payload().switches.length);
  const set = (on) => {
    model.set("on", on);
    model.save_changes();
  };
  const buttons = payload().switches.map((name, place) =>
    h("button", { type: "button", "data-index": place, tabindex: place ? -1 : 0, onclick: () => set(turned(model.get("on"), place)) }, name));
  const switches = h("div", { class: "switches", role: "group", "aria-label": "remedies" }, ...buttons);
  roving(switches, { pin: (place) => set(turned(model.get("on"), place)), unpin: () => set(none()) });
  const meters = h("div", { class: "meters" });
  ui.picture.append(h("div", { class: "remedies" }, switches, meters,
    h("p", { class: "key" }, `bar: mean of ${payload().seeds.length} seeds, dots: each seed, line: without any remedy`)));

  function meter([key, name, top], now, before) {
    const at = (value) => `${Math.min(100, Math.max(0, (100 * value) / top))}%`;
    const [value, was] = [remedyMean(now[key]), remedyMean(before[key])];
    return [h("span", {}, name),
      h("span", { class: "bar", role: "img", "aria-label": `${name}: ${value.toFixed(2)}` },
        h("span", { class: "fill", style: { width: at(value) } }),
        ...now[key].map((one) => h("span", { class: "seed", style: { left: at(one) } })),
        h("span", { class: "was", style: { left: at(was) } })),
      h("span", { class: "number" }, value.toFixed(2)), h("span", { class: "change" }, signed(value - was))];
  }

  function draw() {
    const { board, measures, names, code } = payload();
    const on = Object.hasOwn(board, model.get("on")) ? model.get("on") : none();
    const chosen = payload().switches.filter((_, place) => on[place] === "1");
    const [now, before] = [board[on], board[none()]];
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(on[place] === "1")));
    meters.replaceChildren(...measures.flatMap(([key, top]) => meter([key, names[key], top], now, before)));
    const numbers = measures.map(([key]) => `${names[key]} ${remedyMean(now[key]).toFixed(2)} (${signed(remedyMean(now[key]) - remedyMean(before[key]))})`);
    ui.say(`${chosen.length ? chosen.join(", ") : "No remedy"}: ${numbers.join(", ")}.`);
    ui.code(code.replace("{on}", on));
    ui.table(() => ({ caption: chosen.length ? chosen.join(", ") : "no remedy",
      columns: ["measure", "without", ...payload().seeds.map((seed) => `seed ${seed}`), "mean"],
      rows: measures.map(([key]) => [names[key], ...[remedyMean(before[key]), ...now[key], remedyMean(now[key])].map((one) => one.toFixed(2))]) }));
  }

  ui.watch(["payload", "on"], draw);
  return ui.destroy;
}

export default { render,
  shared: { on: "name" } };
