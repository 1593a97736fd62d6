// Live training: buttons, a slider for the learning rate, the loss beside its baselines, and samples.
import { frame, h, unpack } from "./base.js";
import { HELD_OUT_COLOR, TRAINING_COLOR, labelRoom, lossLayout, paintLosses } from "./training_loss.js";
import { pageTraining } from "./page_training.js";
import { amongBaselines, thousands } from "./training_data.js";

const LIVE_CSS = `
.curve { display: block; }
.rate output { min-width: 3.2em; font-variant-numeric: tabular-nums; }
.progress { display: flex; gap: 12px; align-items: center; width: 100%; font-variant-numeric: tabular-nums; }
.progress .rail { flex: 1; height: 10px; border: 1px solid var(--line); border-radius: 5px; overflow: hidden; }
.progress .full { height: 100%; background: var(--second); }
.key { display: flex; align-items: center; flex-wrap: wrap; gap: 2px 18px; margin: 0 0 4px; }
.key i { display: inline-block; width: 18px; height: 3px; vertical-align: 3px; margin-right: 6px; background: ${TRAINING_COLOR}; }
.key .held i { width: 8px; height: 8px; vertical-align: 0; background: ${HELD_OUT_COLOR}; }
.written { border-left: 3px solid var(--line); padding: 2px 0 2px 10px; margin: 6px 0; overflow-wrap: anywhere; min-height: 4.4em; }
.written b { font-weight: 600; }
`;
const HEIGHT = 300;
const BUTTONS = [["start", "▶ start", ["ready", "paused"]], ["pause", "❚❚ pause", ["training"]],
  ["one_step", "one step", ["ready", "paused"]], ["stop", "■ stop", ["training", "ready", "paused"]],
  ["restart", "↺ start again", ["training", "paused", "stopped", "done", "failed"]]];

const WRITE = ["write", "write a text", ["ready", "training", "paused", "stopped", "done"]]; // in a page only

// Seconds as one says them.
export const timeLeft = (seconds) => (seconds === null || seconds === undefined ? "" : seconds < 1 ? "under a second left"
  : seconds < 90 ? `about ${Math.round(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`);

// The slider stands at a power of two; 0 is the schedule itself.
export const rateOf = (place) => 2 ** place;
export const rateText = (rate) => `× ${rate >= 10 ? rate.toFixed(0) : rate >= 1 ? Number(rate.toFixed(1)) : Number(rate.toFixed(3))}`;

function render({ model, el }) {
  const ui = frame({ model, el, title: "Live training", css: LIVE_CSS, keeps: true });
  const quiet = { "data-lm-suppress-shortcuts": "true" };
  const page = model.get("run") && pageTraining(model); // an exported page trains; else Python does
  const seed = h("input", { type: "text", inputmode: "numeric", size: 4, value: "0", "aria-label": "seed of the next start", ...quiet });
  const send = (message) => (page ? page.send({ ...message, seed: Number.parseInt(seed.value, 10) || 0 }) : model.send(message));
  const buttons = [...BUTTONS, ...(page ? [WRITE] : [])].map(([action, label, when]) => {
    const button = h("button", { type: "button", ...quiet, onclick: () => send({ do: action }) }, label);
    return { button, when };
  });
  const rateSlider = h("input", { type: "range", min: -5, max: 5, step: 0.5, "aria-label": "learning rate, times the scheduled one", ...quiet });
  const rateOutput = h("output", {});
  const full = h("div", { class: "full" });
  const bar = h("div", { class: "rail", role: "progressbar", "aria-label": "steps done", "aria-valuemin": 0 }, full);
  const [count, left] = [h("span", {}), h("span", {})];
  const canvas = h("canvas", { class: "curve", role: "img" });
  const key = h("p", { class: "key" }, h("span", {}, h("i", {}), "training loss"), h("span", { class: "held" }, h("i", {}), "on texts never trained on"));
  const stretch = h("button", { type: "button", "aria-pressed": "false", ...quiet }, "stretch the beginning");
  const written = h("div", { class: "written", "aria-live": "off" });
  ui.controls.append(...buttons.map(({ button }) => button), h("label", { class: "rate" }, "learning rate ", rateSlider, rateOutput), page ? h("label", {}, "seed ", seed) : "",
    h("div", { class: "progress" }, bar, count, left));
  ui.picture.append(key, canvas, written);
  key.append(stretch);

  let isLog = false;
  const read = () => {
    const payload = model.get("payload");
    const [places, losses] = [unpack(payload.places), unpack(payload.losses)];
    return { ...payload, training: Array.from(places, (place, index) => [place, losses[index]]).filter(([, loss]) => Number.isFinite(loss)) };
  };

  function paint() {
    const width = ui.picture.clientWidth;
    if (!width) return;
    const { training, held_out: heldOut, baselines: lines, n_steps: nSteps } = read();
    const known = [...training.slice(0, 400), ...heldOut, ...lines].map(([, value]) => value);
    const [lowest, top] = [Math.min(...known, Infinity), Math.max(...known, -Infinity)];
    const highest = lines.length ? Math.min(top, 1.25 * Math.max(...lines.map(([, value]) => value))) : top;
    const font = `12px ${getComputedStyle(ui.box).fontFamily}`;
    const pen = canvas.getContext("2d");
    pen.font = font;
    const layout = lossLayout({ width, height: HEIGHT, nSteps, isLog, labelWidth: labelRoom(pen, lines),
      lowest: known.length ? lowest : 0, highest: known.length ? highest : 1 });
    paintLosses(canvas, layout, { lines, ink: ui.ink(), font, curves: [{ points: training, color: TRAINING_COLOR },
      { points: heldOut, color: HELD_OUT_COLOR, dashed: true, dots: "square" }] });
  }

  function tell() {
    const { training, held_out: heldOut, baselines: lines, n_steps: nSteps, step, scheduled } = read();
    const state = model.get("state");
    const at = `step ${thousands(step)} of ${thousands(nSteps)}`;
    const last = heldOut.at(-1) ?? training.at(-1);
    const held = heldOut.length > 0;
    const isTold = last && (held || state !== "training");
    const loss = isTold ? ` Loss${held ? ` on unseen texts, step ${thousands(last[0])}` : ""}: ${last[1].toFixed(2)} nats per token${amongBaselines(last[1], lines)}.` : "";
    const begin = { ready: "Not yet begun: press start.", training: `Training.`, paused: `Paused at ${at}.`,
      stopped: `Stopped at ${at}; the model can be used as it is.`, done: `Done: ${at}.`, failed: `Failed at ${at}.` }[state];
    ui.say(`${begin}${loss}`);
    canvas.setAttribute("aria-label", `loss curve, ${at}`);
    ui.code(`for step in train_steps(model, token_ids, settings): …  # learning rate ${(scheduled * model.get("rate")).toPrecision(2)}`);
    ui.table(() => ({ caption: "Loss on the way, in nats per token", columns: ["step", "training", "unseen texts"],
      rows: [...training.filter((_, index) => index % Math.ceil(training.length / 40 || 1) === 0).map(([at_, value]) => [at_, value, ""]),
        ...heldOut.map(([at_, value]) => [at_, "", value])].sort((a, b) => a[0] - b[0])
        .map(([at_, one, other]) => [String(Math.round(at_)), one === "" ? "" : one.toFixed(3), other === "" ? "" : other.toFixed(3)]) }));
  }

  ui.watch(["payload", "state"], () => {
    const { n_steps: nSteps, step, seconds: spent, seconds_left: seconds, samples } = model.get("payload");
    const state = model.get("state");
    for (const { button, when } of buttons) button.disabled = !when.includes(state);
    bar.setAttribute("aria-valuemax", nSteps);
    bar.setAttribute("aria-valuenow", step);
    full.style.width = `${(100 * step) / nSteps}%`;
    count.textContent = `${thousands(step)} / ${thousands(nSteps)}`;
    const speed = spent ? `${spent.toFixed(0)} s · ${(step / spent).toFixed(1)} steps a second` : "";
    left.textContent = [speed, state === "training" || state === "paused" ? timeLeft(seconds) : ""].filter(Boolean).join(" · ");
    written.replaceChildren(...samples.slice(-1).map(([at, text]) =>
      h("div", {}, h("b", {}, `At step ${thousands(at)} it writes: `), h("bdi", {}, text))));
    written.hidden = !samples.length;
    paint();
    tell();
  });
  ui.watch("rate", () => {
    rateSlider.value = Math.log2(model.get("rate"));
    rateOutput.textContent = rateText(model.get("rate"));
    rateSlider.setAttribute("aria-valuetext", `${rateText(model.get("rate"))} the scheduled one`);
  });
  stretch.addEventListener("click", () => {
    isLog = !isLog;
    stretch.setAttribute("aria-pressed", isLog);
    paint();
  });
  rateSlider.addEventListener("input", () => {
    model.set("rate", rateOf(Number(rateSlider.value)));
    model.save_changes();
    page?.send({ do: "rate", factor: model.get("rate") });
  });
  ui.onTheme(paint);
  ui.onResize(paint);
  return () => {
    page?.end();
    ui.destroy();
  };
}

export default { render };
