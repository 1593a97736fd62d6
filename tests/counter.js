// The example of the shell's docstring, with a bit of everything that the shell has.
import { frame, guess, h, roving, unpack } from "../llmviz/widgets/js/base.js";

function render({ model, el }) {
  const ui = frame({ model, el, title: "Counter", css: ".items { display: flex; flex-wrap: wrap; gap: 4px; }" });
  const items = h("div", { class: "items", role: "group", "aria-label": "counts" });
  const quiz = h("div", {});
  ui.picture.append(quiz, items);
  let labels, counts;
  const choose = (index) => {
    model.set("chosen", index);
    model.save_changes();
  };
  roving(items, { columns: () => 3, move: choose, pin: (index) => ui.pins.toggle(index), unpin: () => ui.pins.clear() });
  ui.watch("payload", () => {
    const payload = model.get("payload");
    if (payload.broken) throw new Error(payload.broken);
    labels = payload.labels;
    counts = unpack(payload.counts);
    items.replaceChildren(...labels.map((label, index) => h("button", { type: "button", "data-index": index,
      tabindex: index ? -1 : 0, onclick: () => choose(index) }, h("bdi", {}, label))));
  });
  ui.watch(["payload", "chosen", "pins"], () => {
    const index = Math.min(model.get("chosen"), labels.length - 1);
    const pins = ui.pins.list.map((pin) => labels[pin]).join(" and ");
    ui.say(`“${labels[index]}”: ${counts[index]}.${pins && ` Pinned: ${pins}.`}`);
    ui.code(`counts[${index}]  # ${counts[index]}`);
  });
  ui.watch("predict", () => quiz.replaceChildren(...(model.get("predict") ? [guess({
    question: "Which is the most frequent?", options: labels, revealed() {}, next() {},
    judge: (index) => ({ right: counts.indexOf(Math.max(...counts)), text: `You said ${labels[index]}.` }),
    leave() {
      model.set("predict", false);
      model.save_changes();
    },
  })] : [])));
  ui.table(() => ({ caption: "Counts", columns: ["label", "count"], rows: labels.map((label, index) => [label, String(counts[index])]) }));
  return ui.destroy;
}

export default { render };
