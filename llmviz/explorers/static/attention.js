// AttentionExplorer: thumbnails of all heads, the chosen one as a map.
import { frame, h, roving } from "../../shell/static/shell.js";
import { colourTable, viridis } from "../../shell/static/colours.js";
import { readAttention, rowOf, largest } from "./attention_data.js";

const LOOK = `
.heads { display: grid; gap: 4px; width: fit-content; margin-bottom: 10px; }
.thumb { padding: 2px; line-height: 0; }
.thumb canvas { width: 56px; height: 56px; image-rendering: pixelated; }
.map { width: 100%; max-width: 460px; aspect-ratio: 1; image-rendering: pixelated; }
`;
const COLOURS = colourTable(viridis);

function paintHead(canvas, data, layer, head) {
  canvas.width = canvas.height = data.n;
  const image = new ImageData(data.n, data.n);
  const pixels = new Uint32Array(image.data.buffer);
  for (let query = 0; query < data.n; query++) {
    for (let key = 0; key < data.n; key++) {
      if (data.allowed(query, key)) {
        pixels[query * data.n + key] = COLOURS[Math.round(255 * data.weight(layer, head, query, key))];
      }
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function render({ model, el }) {
  const ui = frame({ model, el, title: "Attention explorer", css: LOOK });
  const heads = h("div", { class: "heads", role: "radiogroup", "aria-label": "heads, a row for each layer" });
  const map = h("canvas", { class: "map hatched", role: "img" });
  ui.picture.append(heads, map);
  let data;
  const choose = (index) => {
    model.set("layer", Math.floor(index / data.heads));
    model.set("head", index % data.heads);
    model.save_changes();
  };
  roving(heads, { columns: () => data.heads, move: choose });
  ui.watch("payload", () => {
    data = readAttention(model.get("payload"));
    heads.style.gridTemplateColumns = `repeat(${data.heads}, auto)`;
    heads.replaceChildren(...Array.from({ length: data.layers * data.heads }, (_, index) => {
      const canvas = h("canvas", { class: "hatched" });
      const [layer, head] = [Math.floor(index / data.heads), index % data.heads];
      paintHead(canvas, data, layer, head);
      return h("button", { type: "button", class: "thumb", role: "radio", "data-index": index,
        "aria-label": `layer ${layer}, head ${head}`, onclick: () => choose(index) }, canvas);
    }));
  });
  ui.watch(["payload", "layer", "head"], () => {
    const [layer, head] = [model.get("layer"), model.get("head")];
    for (const thumb of heads.children) {
      const chosen = Number(thumb.dataset.index) === layer * data.heads + head;
      thumb.setAttribute("aria-checked", chosen);
      thumb.tabIndex = chosen ? 0 : -1;
    }
    paintHead(map, data, layer, head);
    const last = data.n - 1;
    const [key] = largest(rowOf(data, layer, head, last), 1);
    ui.say(`Layer ${layer}, head ${head}: “${data.labels[last]}” looks most at “${data.labels[key]}”.`);
  });
  return ui.destroy;
}

export default { render };
