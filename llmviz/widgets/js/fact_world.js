// FactWorldExplorer: every question a mark at the confidence of its answer; remedies are switches that move the rates.
import { frame, h, roving, svg, unpack } from "./base.js";
import { factAnswer, openFacts } from "./fact_world_answer.js";
import { lanes, outcomes, percent, place, rates, shareAt, variantName } from "./fact_world_data.js";

const FACT_WIDTH = 700;
const FACT_LEFT = 112;
const FACT_LANE = 62;
const FACT_CSS = `
.world svg { width: 100%; height: auto; display: block; }
.world text { fill: currentColor; font-size: 13px; }
.world .axis { stroke: var(--line); }
.world .gate { stroke: var(--accent); stroke-width: 2; stroke-dasharray: 5 4; }
.mark { cursor: pointer; outline: none; }
.mark .hit { fill: transparent; }
.mark .holds { fill: var(--second); }
.mark .invented { stroke: var(--accent); stroke-width: 2.2; fill: none; }
.mark .silent { stroke: currentColor; fill: none; opacity: .55; }
.mark.chosen .ring, .mark:focus-visible .ring { stroke: currentColor; stroke-width: 2; fill: none; }
.mark .ring { stroke: none; fill: none; }
.world .yours { fill: none; stroke: currentColor; stroke-width: 2.5; }
.answered { margin: 2px 0 6px; font-weight: 600; overflow-wrap: anywhere; }
.rates { display: grid; grid-template-columns: max-content 1fr 4em; gap: 4px 10px; align-items: center; max-width: 620px; margin: 0 0 8px; }
.rates .track { position: relative; height: 15px; background: var(--faint); border-radius: 3px; }
.rates .now { position: absolute; inset: 0 auto 0 0; border-radius: 3px; background: var(--second); }
.rates .bad .now { background: var(--accent); }
.rates .was { position: absolute; top: -2px; bottom: -2px; border-left: 3px solid currentColor; }
.rates .number { text-align: right; font-variant-numeric: tabular-nums; }
.world .key { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 12px; margin: 2px 0; }
`;

const markOf = (kind) => ({
  holds: () => svg("circle", { class: "holds", r: 4.5 }),
  invented: () => svg("path", { class: "invented", d: "M-4 -4L4 4M-4 4L4 -4" }),
  silent: () => svg("rect", { class: "silent", x: -3.5, y: -3.5, width: 7, height: 7 }),
})[kind]();

function render({ model, el }) {
  const ui = frame({ model, el, title: "Fact world", css: FACT_CSS });
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const switchOf = (name, label) => {
    const box = h("input", { type: "checkbox", onchange: () => set(name, box.checked) });
    return { box, label: h("label", {}, box, label) };
  };
  const told = switchOf("told", "the fact stands in front");
  const taught = switchOf("taught", "taught to refuse");
  const gate = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "silent below this confidence",
    oninput: () => set("threshold", shareAt(Number(gate.value))) });
  const gateNumber = h("span", {});
  ui.controls.append(told.label, taught.label, h("label", {}, "silent below ", gate, gateNumber));
  const world = h("div", { class: "world" });
  const bars = h("div", { class: "rates" });
  const answered = h("p", { class: "answered", role: "status", hidden: true });
  ui.asks("ask it", false, { trait: "asked", placeholder: "Ella lives in the" });
  ui.picture.append(answered, world);
  ui.below.append(bars);

  const wander = roving(world, { move: (index) => set("chosen", index), pin: (index) => set("chosen", index) });
  let start = null;
  const payload = () => model.get("payload");
  const threshold = () => Math.min(1, Math.max(0, Number(model.get("threshold")) || 0));
  const name = () => variantName(Boolean(model.get("told")), Boolean(model.get("taught")));
  const read = () => {
    const variant = payload().variants[name()] ?? payload().variants.plain;
    return { ...variant, confidence: unpack(variant.confidence) };
  };
  const chosen = () => Math.min(payload().groups.length - 1, Math.max(0, Math.round(Number(model.get("chosen")) || 0)));
  const x = (share) => FACT_LEFT + place(share) * (FACT_WIDTH - FACT_LEFT - 16);

  function spoken(variant, found, index) {
    const truth = variant.truths[index];
    const end = { holds: "It holds.", silent: "So it says nothing.",
      invented: truth ? `Invented: the answer is “${truth}”.` : "Invented: there is no answer." }[found[index]];
    const said = variant.silent[index] ? "… nobody knows" : variant.said[index];
    return `“${variant.prompts[index]}” → “${said}”, confidence ${variant.confidence[index].toFixed(2)}. ${end}`;
  }

  function axisOf(names, groups) {
    const counts = names.map((group) => groups.filter((one) => one === group).length);
    const bottom = names.length * FACT_LANE;
    return [
      ...names.map((group, row) => svg("text", { x: 0, y: row * FACT_LANE + FACT_LANE / 2 + 5 }, `${group} · ${counts[row]}`)),
      ...[0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999].flatMap((share) => [svg("line", { class: "axis", x1: x(share), x2: x(share), y1: 4, y2: bottom }),
        svg("text", { x: x(share), y: bottom + 16, "text-anchor": "middle" }, String(share))]),
      svg("text", { x: x(0.9), y: bottom + 34, "text-anchor": "middle" }, "confidence in the answer (stretched near 0 and 1)"),
    ];
  }

  function draw() {
    const { groups, names, code } = payload();
    const variant = read();
    const found = outcomes(variant, threshold());
    const shifts = lanes(groups, variant.confidence, FACT_WIDTH);
    const marks = groups.map((group, index) => {
      const y = names.indexOf(group) * FACT_LANE + FACT_LANE / 2 + shifts[index] * 6.5;
      const isChosen = index === chosen();
      return svg("g", { class: isChosen ? "mark chosen" : "mark", "data-index": index, tabindex: isChosen ? 0 : -1, role: "button",
        "aria-label": spoken(variant, found, index), transform: `translate(${x(variant.confidence[index]).toFixed(1)} ${y})`,
        onclick: () => set("chosen", index), onpointerenter: () => tell(index) },
        svg("circle", { class: "hit", r: 8 }), svg("circle", { class: "ring", r: 8 }), markOf(found[index]));
    });
    const cut = x(threshold());
    const hadFocus = ui.root.activeElement?.closest?.(".mark");
    world.replaceChildren(svg("svg", { viewBox: `0 0 ${FACT_WIDTH} ${names.length * FACT_LANE + 40}`, role: "group",
      "aria-label": "questions at the confidence of their answers" }, ...axisOf(names, groups), ...marks,
      yours(names.length * FACT_LANE),
      threshold() > 0 ? svg("line", { class: "gate", x1: cut, x2: cut, y1: 0, y2: names.length * FACT_LANE }) : null),
      h("p", { class: "key" }, h("span", {}, "● holds"), h("span", {}, "× invented"), h("span", {}, "□ says nothing"), h("span", {}, "❙ in the bars: without any remedy"),
        reply() ? h("span", {}, "▽ your question") : null));
    if (hadFocus) wander.focus(chosen());
    drawRates(rates(found));
    tell(chosen());
    ui.table(() => ({ caption: `${name()}, silent below ${threshold().toFixed(4)}`, columns: ["question", "group", "said", "confidence", "outcome"],
      rows: groups.map((group, index) => [variant.prompts[index], group, variant.said[index], variant.confidence[index].toFixed(3), found[index]]) }));

    function tell(index) {
      ui.say(spoken(variant, found, index));
      ui.code(code.replace("{prompt}", () => variant.prompts[index]));
    }
  }

  // The model's answer to an own question: a mark below the others, and a sentence. The page holds the model before refusal tuning only.
  const reply = () => model.get("reply") ?? null;
  const yours = (bottom) => reply() && svg("path", { class: "yours", d: "M-6 -12L6 -12L0 -1Z",
    transform: `translate(${x(reply().answers[0].confidence).toFixed(1)} ${bottom})` });
  function tellReply() {
    answered.hidden = !reply();
    if (!reply()) return;
    const [{ said, confidence }, ...others] = reply().answers;
    const isSilent = confidence < threshold();
    const { prompts, truths } = payload().variants.plain;
    const known = prompts.indexOf(reply().prompt);
    const truth = known < 0 ? "Whether that is so in Tinyville, Python knows (make lab)."
      : truths[known] ? `In Tinyville: “${truths[known]}”.` : "In Tinyville nobody was told: there is no answer.";
    const asked = reply().prompt.length > 120 ? `…${reply().prompt.slice(-118)}` : reply().prompt;
    answered.textContent = `“${asked}” → ${isSilent ? "it says nothing, below your threshold" : `“${said}”`}, confidence ${confidence.toFixed(3)}`
      + ` (then ${others.map((one) => `“${one.said}” ${one.confidence.toFixed(3)}`).join(", ")}). ${truth}`;
  }

  function drawRates(now) {
    const row = (label, share, was, isBad) => [h("span", {}, label),
      h("span", { class: isBad ? "track bad" : "track" }, h("span", { class: "now", style: { width: percent(share).replace(" ", "") } }),
        h("span", { class: "was", style: { left: percent(was).replace(" ", "") }, title: "without any remedy" })),
      h("span", { class: "number" }, percent(share))];
    bars.replaceChildren(...row("answered", now.answered, start.answered, false), ...row("right, of these", now.accuracy, start.accuracy, false),
      ...row("invented, of all", now.invented, start.invented, true));
  }

  ui.watch("payload", () => {
    const plain = payload().variants.plain;
    start = rates(outcomes({ ...plain, confidence: unpack(plain.confidence) }, 0));
    taught.label.hidden = !("taught plain" in payload().variants);
  });
  ui.watch(["payload", "told", "taught", "threshold", "chosen", "reply"], () => {
    told.box.checked = Boolean(model.get("told"));
    taught.box.checked = Boolean(model.get("taught"));
    gate.value = place(threshold());
    gateNumber.textContent = threshold().toFixed(4);
    draw();
    tellReply();
  });
  return ui.destroy;
}

export default { render, open: openFacts, answer: factAnswer, answersTo: ["asked"],
  shared: { told: "flag", taught: "flag", threshold: "number", chosen: "count", asked: "text" } };
