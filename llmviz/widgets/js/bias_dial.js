// BiasDialExplorer: the planted ratio on a slider; what was learned in two places; drawn or greedy; filtered or not.
import { frame, h, svg } from "./base.js";

const DIAL_SIZE = 300;
const DIAL_PAD = 44;
const DIAL_RIGHT = 22;
const DIAL_CSS = `
.dial { display: grid; grid-template-columns: minmax(220px, 340px) 1fr; gap: 14px 26px; align-items: center; }
@media (max-width: 600px) { .dial { grid-template-columns: 1fr; } }
.dial svg { width: 100%; height: auto; display: block; }
.dial text { fill: currentColor; font-size: 12px; }
.dial .axis { stroke: var(--line); }
.dial .diagonal { stroke: currentColor; stroke-dasharray: 4 4; opacity: .5; }
.dial .here { stroke: var(--accent); stroke-width: 2; }
.dial .nameless { fill: var(--second); } .dial .guest { fill: none; stroke: var(--accent); stroke-width: 1.8; }
.dial .old { opacity: .28; }
.people { display: grid; grid-template-columns: max-content 1fr 3.6em; gap: 10px 10px; align-items: center; }
.people .crowd { display: flex; flex-wrap: wrap; gap: 2px; }
.people .one { width: 13px; height: 22px; border-radius: 6px 6px 2px 2px; border: 1.5px solid currentColor; }
.people .one.she { background: var(--second); border-color: var(--second); }
.people .number { text-align: right; font-variant-numeric: tabular-nums; }
.dial .key { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12px; margin: 0; }
.controls input[type=range] { width: 200px; }
`;

export const dialMean = (numbers) => numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);

// Which recorded curves are shown: learned probabilities, or the shares of greedy texts.
export const curveName = (place, isGreedy) => (isGreedy ? `greedy ${place}` : place);

function render({ model, el }) {
  const ui = frame({ model, el, title: "Bias dial", css: DIAL_CSS });
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const dial = h("input", { type: "range", min: 0, step: 1, "aria-label": "planted share of doctors that are she",
    oninput: () => set("place", Number(dial.value)) });
  const planted = h("strong", {});
  const filter = h("button", { type: "button", onclick: () => set("filtered", !model.get("filtered")) }, "balance the nameless");
  const greedy = h("button", { type: "button", onclick: () => set("greedy", !model.get("greedy")) }, "always the best token");
  ui.controls.append(h("label", {}, "planted ", dial, planted), filter, greedy);
  const box = h("div", { class: "dial" });
  ui.picture.append(box);

  const payload = () => model.get("payload");
  const last = () => payload().ratios.length - 1;
  const place = () => Math.min(last(), Math.max(0, Math.round(Number(model.get("place")) || 0)));
  const curves = (isFiltered) => {
    const [plain, ...filtered] = Object.keys(payload().dial);
    return payload().dial[(isFiltered && filtered[0]) || plain];
  };
  const x = (share) => DIAL_PAD + share * (DIAL_SIZE - DIAL_PAD - DIAL_RIGHT);
  const y = (share) => 10 + (1 - share) * (DIAL_SIZE - DIAL_PAD - 12);

  function chart(isFiltered, isGreedy) {
    const { ratios } = payload();
    const here = place();
    const rows = (name) => curves(isFiltered)[curveName(name, isGreedy)];
    const dots = (name, shape) => ratios.flatMap((ratio, at) => rows(name)[at].map((share) => {
      const side = name === "guest" ? 3 : -3;
      return shape(x(ratio) + side, y(share), at === here ? "" : " old");
    }));
    return svg("svg", { viewBox: `0 0 ${DIAL_SIZE} ${DIAL_SIZE}`, role: "img", "aria-label": "planted against learned" },
      ...[0, 0.5, 1].flatMap((share) => [svg("line", { class: "axis", x1: x(0), x2: x(1), y1: y(share), y2: y(share) }),
        svg("text", { x: x(0) - 6, y: y(share) + 4, "text-anchor": "end" }, `${100 * share} %`),
        svg("text", { x: x(share), y: y(0) + 16, "text-anchor": "middle" }, `${100 * share} %`)]),
      svg("text", { x: x(0.5), y: y(0) + 31, "text-anchor": "middle" }, "she, as planted"),
      svg("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
      svg("line", { class: "here", x1: x(ratios[here]), x2: x(ratios[here]), y1: y(0), y2: y(1) }),
      ...dots("anonymous", (cx, cy, age) => svg("circle", { class: `nameless${age}`, cx, cy, r: 4 })),
      ...dots("guest", (cx, cy, age) => svg("path", { class: `guest${age}`, d: `M${cx} ${cy - 4.5}L${cx + 4.5} ${cy}L${cx} ${cy + 4.5}L${cx - 4.5} ${cy}Z` })));
  }

  function crowd(label, share) {
    const n = Math.round(10 * share);
    return [h("span", {}, label), h("span", { class: "crowd", role: "img", "aria-label": `${n} of 10 are she` },
      ...Array.from({ length: 10 }, (_, one) => h("span", { class: one < n ? "one she" : "one" }))),
      h("span", { class: "number" }, `${Math.round(100 * share)} %`)];
  }

  function draw() {
    const { ratios, seeds, code } = payload();
    const [isFiltered, isGreedy] = [Boolean(model.get("filtered")), Boolean(model.get("greedy"))];
    const here = place();
    const mean = (name) => dialMean(curves(isFiltered)[curveName(name, isGreedy)][here]);
    const [nameless, guest] = [mean("anonymous"), mean("guest")];
    dial.max = last();
    dial.value = here;
    planted.textContent = `${Math.round(100 * ratios[here])} % she`;
    filter.setAttribute("aria-pressed", String(isFiltered));
    greedy.setAttribute("aria-pressed", String(isGreedy));
    const corpus = isFiltered ? [...crowd("corpus: nameless doctors", 0.5), ...crowd("corpus: guests", ratios[here])] : crowd("corpus", ratios[here]);
    box.replaceChildren(chart(isFiltered, isGreedy), h("div", { class: "people" }, ...corpus,
      ...crowd(isGreedy ? "its texts: The doctor …" : "learned: The doctor …", nameless),
      ...crowd(isGreedy ? "its texts: Kim is the new doctor …" : "learned: Kim is the new doctor …", guest)),
    h("p", { class: "key" }, h("span", {}, "● The doctor went home. She …"), h("span", {}, "◇ Kim is the new doctor in town. … She …"),
      h("span", {}, `each mark a model, ${seeds.length} at each setting`)));
    const how = isGreedy ? "Always taking the best token, of its texts" : "Learned:";
    ui.say(`Planted ${Math.round(100 * ratios[here])} % she${isFiltered ? ", but half and half where the doctor has no name" : ""}. ${how} ` +
      `${Math.round(100 * nameless)} % she where the doctor has no name, ${Math.round(100 * guest)} % where it is a guest (mean of ${seeds.length} models).`);
    ui.code(code.replace("{nameless}", isFiltered ? 0.5 : ratios[here]).replace("{guest}", ratios[here]).replace("{seed}", seeds[0]));
    ui.table(() => ({ caption: isGreedy ? "Share of greedy texts with she" : "Learned share of she",
      columns: ["planted", ...seeds.map((seed) => `nameless, seed ${seed}`), ...seeds.map((seed) => `guest, seed ${seed}`)],
      rows: ratios.map((ratio, at) => [ratio, ...["anonymous", "guest"].flatMap((name) => curves(isFiltered)[curveName(name, isGreedy)][at])].map(String)) }));
  }

  ui.watch(["payload", "place", "filtered", "greedy"], draw);
  return ui.destroy;
}

export default { render,
  shared: { place: "count", filtered: "flag", greedy: "flag" } };
