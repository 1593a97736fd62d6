// Training in the page, in place of Python: a worker trains, and LiveTraining shows what it tells.
import { unpack } from "./base.js";
import { TRAINING_FUNCTIONS } from "./gpt_training.js";

const TEMPERATURE = 0.7;

// The worker: steps for a tenth of a second, then tells, then listens. Each of its actions is a button of the page.
export function trainingWorker({ run, every, temperature }) {
  let [training, state, rate, losses, seconds] = [null, "ready", 1, [], 0];
  const tell = (more = {}) => {
    postMessage({ state, step: training.step, losses, seconds, ...more });
    losses = [];
  };
  const begin = (seed) => {
    [training, state, losses, seconds] = [gptTraining(run, seed), "ready", [], 0];
    tell({ isNew: true });
  };
  const trainOne = () => {
    const started = performance.now();
    const loss = training.train(rate);
    seconds += (performance.now() - started) / 1000;
    losses.push(loss);
    if (!Number.isFinite(loss)) state = "failed";
    else if (training.step >= run.n_steps) state = "done";
    if (state !== "failed" && (training.step % every === 0 || state === "done")) tell({ held_out: training.heldOutLoss(), sample: training.sample(temperature) });
  };
  const trainOn = () => {
    const until = performance.now() + 100;
    while (state === "training" && performance.now() < until) trainOne();
    tell();
    if (state === "training") setTimeout(trainOn);
  };
  const actions = {
    start() {
      state = "training";
      trainOn();
    },
    pause() { state = "paused"; },
    one_step() {
      state = "paused";
      trainOne();
    },
    stop() { state = "stopped"; },
    restart: ({ seed }) => begin(seed),
    write() {},
    rate({ factor }) { rate = factor; },
  };
  onmessage = ({ data }) => {
    if (data.do === "restart" || data.do === "begin") return begin(data.seed);
    actions[data.do](data);
    if (data.do === "write") tell({ sample: training.sample(temperature) });
    else if (data.do !== "start") tell();
  };
}

// Takes the place of Python: `send` what a button asks; answers come as the traits `payload` and `state`.
export function pageTraining(model) {
  const { pieces, baselines, ...packed } = model.get("run");
  const run = { ...packed, ids: unpack(packed.ids), held_out: unpack(packed.held_out) };
  const every = Math.ceil(run.n_steps / 12);
  const settings = { run, every, temperature: TEMPERATURE };
  const source = [...TRAINING_FUNCTIONS, trainingWorker].join("\n");
  const start = `onmessage = ({ data }) => { trainingWorker(data); onmessage({ data: { do: "begin", seed: data.seed } }); };`;
  const address = URL.createObjectURL(new Blob([source, "\n", start], { type: "text/javascript" }));
  const worker = new Worker(address);
  worker.postMessage({ ...settings, seed: 0 });
  let known = null;
  const show = ({ state, step, losses, seconds, isNew, held_out, sample }) => {
    if (isNew) known = { losses: [], held_out: [], samples: [] };
    known.losses.push(...losses);
    if (held_out !== undefined) known.held_out.push([step, held_out]);
    if (sample) known.samples = [[step, sample.map((id) => pieces[id]).join("")]];
    model.set("problem", state === "failed" ? `The loss is no longer a number at step ${step}: the learning rate is too high. Start again with a lower one.` : "");
    model.set("state", state);
    model.set("payload", { n_steps: run.n_steps, baselines, step, held_out: known.held_out, samples: known.samples, seconds,
      seconds_left: step ? (seconds / step) * (run.n_steps - step) : null, scheduled: run.learning_rate * (1 - step / run.n_steps),
      places: Float32Array.from(known.losses, (_, i) => i + 1), losses: Float32Array.from(known.losses) });
  };
  show({ state: "ready", step: 0, losses: [], seconds: 0, isNew: true });
  worker.onmessage = ({ data }) => show(data);
  worker.onerror = (event) => model.set("problem", `Training has stopped: ${event.message}`);
  return {
    send: (message) => worker.postMessage(message),
    end() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}
