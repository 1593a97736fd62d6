// The parts opened: each a list of elements to look at, a sentence, a table and the line of Python that makes its numbers.
import { h } from "./base.js";
import { headSteps, lengthOf, likeliest, nearestTokens, sizeOf, strongestUnits } from "./model_explorer_data.js";
import { canvasOf, paintField, paintMap, paintStrips, placeBand } from "./model_explorer_paint.js";

export const wholeNumber = (number, digits = 2) => number.toFixed(digits).replace("-", "−");
const shortNumber = (number) => (Math.abs(number) < 1000 ? wholeNumber(number, Math.abs(number) < 100 ? 2 : 0) : wholeNumber(number, 0));

function stripOf(vector, isDark) {
  const canvas = canvasOf("");
  paintStrips(canvas, [vector], 64, isDark);
  return canvas;
}

const shareOf = (share, kind = "") => h("span", { class: `share ${kind}`, style: { "--share": share } });
const heading = (columns) => h("thead", {}, h("tr", {}, ...columns.map((text) => h("th", { scope: "col" }, text))));
const tableOf = (columns, rows, name) => h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": name }, h("table", {}, heading(columns), h("tbody", {}, ...rows)));
const cells = (first, others, className = "") => h("tr", { class: className }, h("th", { scope: "row" }, h("bdi", {}, first)), ...others.map((one) => h("td", {}, one)));

function vectorField(name, vector, columns, isDark, className = "") {
  const canvas = canvasOf("");
  paintField(canvas, vector, columns, isDark);
  return h("div", { class: `field ${className}` }, canvas, h("div", {}, name));
}

const then = (sign, text) => h("div", { class: "then" }, h("b", {}, sign), text);
const NAMES = { squared_relu: "squared ReLU", gelu: "GELU", gelu_tanh: "GELU", swiglu: "SwiGLU" };

// What all need: {page, read, labels, at, part, temperature, isDark, strips}. `labels`: of the tokens, in their order;
// `strips`: keys and values that are drawn already, by head.
export const OPENED = {
  tokens({ read, labels, at, page }) {
    const tiles = read.map(({ id }, place) => h("div", { class: `tile${place === at ? " chosen" : ""}` }, h("bdi", {}, labels[place]), h("small", {}, id)));
    return {
      title: "From text to tokens", elements: [h("div", { class: "tiles", tabindex: "0", role: "group", "aria-label": "tokens and ids" }, ...tiles)],
      sentence: `${read.length} tokens. Each is one of the ${page.gpt.config.vocab_size.toLocaleString("en")} pieces that the tokenizer knows; below it is its number. “·” is a space.`,
      table: { caption: "The tokens", columns: ["position", "token", "id"], rows: read.map(({ id }, place) => [place, labels[place], id].map(String)) },
      code: "tokenizer.encode_prompt(text)",
    };
  },
  embedding({ page, read, labels, at, isDark }) {
    const { id, embedding } = read[at];
    const near = nearestTokens(page, id, 6);
    const rows = near.map((one) => [page.labels[one.id], one.id, wholeNumber(one.cosine)]);
    return {
      title: `The embedding of “${labels[at]}”`,
      elements: [vectorField(`${embedding.length} numbers, row ${id} of the embedding matrix`, embedding, 16, isDark),
        tableOf(["most similar tokens", "id", "cosine", ""], near.map((one, i) => cells(rows[i][0], [rows[i][1], rows[i][2], shareOf(Math.max(0, one.cosine))])), "most similar tokens")],
      sentence: `Token ${id} is looked up: row ${id} of a matrix with ${page.gpt.config.vocab_size.toLocaleString("en")} rows. Similar tokens point in similar directions; nearest is “${rows[0][0]}”.`,
      table: { caption: `Tokens whose embeddings are most similar to that of “${labels[at]}”`, columns: ["token", "id", "cosine"], rows: rows.map((row) => row.map(String)) },
      code: `model.embedding.weight[${id}]`,
    };
  },
  head({ page, read, labels, at, part, isDark, strips }) {
    const { rows, query, mix } = headSteps(page, read, part, at);
    const largest = rows.reduce((most, row) => Math.max(most, row.isHidden ? 0 : row.weight), 0);
    const most = rows.findIndex(({ weight }) => weight === largest);
    const size = query.length;
    const columns = ["token", "key", "q·k", `÷ √${size}`, "mask", "softmax", "", "value"];
    const name = `${part.layer},${part.head}`;
    if (!strips.has(name)) strips.set(name, rows.map(({ key, value }) => [stripOf(key, isDark), stripOf(value, isDark)]));
    const drawn = strips.get(name);
    const shown = rows.map(({ dot, score, isHidden, weight }, place) => cells(`${place} ${labels[place]}`, [drawn[place][0], wholeNumber(dot),
      wholeNumber(score), isHidden ? "hidden" : "seen", isHidden ? "0" : wholeNumber(weight), isHidden ? "" : shareOf(weight), drawn[place][1]], `${isHidden ? "hidden-row" : ""}${place === most ? "most" : ""}`));
    const map = canvasOf("");
    const band = h("span", { class: "band" });
    placeBand(band, at, read.length);
    paintMap(map, read.map(({ layers }) => layers[part.layer].heads[part.head].weights), isDark);
    return {
      title: `Block ${part.layer}, head ${part.head}: q·k → ÷ √${size} → mask → softmax → mix of values`,
      elements: [h("div", { style: { flex: "1 1 auto", "min-width": 0 } }, tableOf(columns, shown, "the steps of this head"),
        h("div", { class: "mixed" }, h("span", {}, h("bdi", {}, `query of “${labels[at]}”`)), stripOf(query, isDark), h("span", {}, `${size} numbers`), h("span", {}, "mix of the values"), stripOf(mix, isDark), h("span", {}, `${size} numbers`))),
      h("div", { class: "side-map" }, h("div", { class: "body" }, map, band), h("p", {}, "Rows ask, columns answer. The stronger the color, the larger the weight; hatched is hidden."))],
      sentence: `“${labels[at]}” asks: its query is multiplied with the key of each token. Most weight goes to “${labels[most]}”: ${wholeNumber(rows[most].weight)}. The values, mixed in these shares, are what this head writes.`,
      table: { caption: `Block ${part.layer}, head ${part.head}, the query of “${labels[at]}”`, columns: ["token", "q·k", `÷ √${size}`, "mask", "weight"],
        rows: rows.map((row, place) => [`${place} ${labels[place]}`, wholeNumber(row.dot), wholeNumber(row.score), row.isHidden ? "hidden" : "seen", wholeNumber(row.weight, 4)]) },
      code: `trace.attention_weights[${part.layer}, 0, ${part.head}][${at}]`,
    };
  },
  mlp({ page, read, labels, at, part, isDark }) {
    const found = read[at].layers[part.layer];
    const units = strongestUnits(found, 6);
    const active = found.hidden.reduce((sum, number) => sum + (number > 0), 0);
    const { activation, d_model, d_ff } = page.gpt.config;
    const top = sizeOf(found.hidden) || 1;
    const rows = units.map(({ unit, before, after }) => [`unit ${unit}`, shortNumber(before), shortNumber(after)]);
    return {
      title: `Block ${part.layer}, MLP of “${labels[at]}”: up → ${NAMES[activation]} → down`,
      elements: [h("div", { style: { flex: "1 1 auto", "min-width": 0 } }, h("div", { class: "chain" },
        vectorField(`${d_model} in`, found.feed_forward_input, 8, isDark), then("→", "up-projection"),
        vectorField(`${d_ff} hidden units`, found.before_activation, 32, isDark, "large"), then("→", NAMES[activation]),
        vectorField(`${active} of ${d_ff} above 0`, found.hidden, 32, isDark, "large"), then("→", "down-projection"),
        vectorField(`${d_model} out`, found.feed_forward_output, 8, isDark), then("+", "added to the stream")),
      h("div", { style: { "margin-top": "10px" } }, tableOf(["strongest units", "before", "after", ""], units.slice(0, 5).map(({ unit, after }, i) => cells(`unit ${unit}`, [rows[i][1], rows[i][2], shareOf(Math.abs(after) / top, after < 0 ? "minus" : "plus")])), "strongest units")))],
      sentence: `Each token goes through the MLP alone. ${active} of ${d_ff} hidden units are above 0 for “${labels[at]}”; the strongest is unit ${units[0].unit}. Orange is positive, blue negative.`,
      table: { caption: `The strongest hidden units of block ${part.layer} at “${labels[at]}”`, columns: ["unit", "before the activation", "after"], rows },
      code: `trace.blocks[${part.layer}].feed_forward_hidden[0, ${at}]`,
    };
  },
  stream({ page, read, labels, at, part, isDark }) {
    const found = read[at].layers[part.layer];
    const lines = [["stream before", found.residual_before], ["+ attention", found.attention_output], ["+ MLP", found.feed_forward_output], ["= stream after", found.residual_after]];
    const guesses = [["before this block", found.residual_before], ["after its attention", found.residual_middle], ["after its MLP", found.residual_after]]
      .map(([name, x]) => [name, ...likeliest(page.gpt.unembed(x), 1, 3).map(({ id, probability }) => `${page.labels[id]} ${wholeNumber(probability)}`)]);
    const strips = lines.flatMap(([name, x]) => [h("span", {}, name), stripOf(x, isDark), h("span", {}, `length ${shortNumber(lengthOf(x))}`)]);
    return {
      title: `The residual stream of “${labels[at]}” through block ${part.layer}`,
      elements: [h("div", { style: { flex: "1 1 auto", "min-width": 0 } }, h("div", { class: "mixed" }, ...strips),
        h("p", { style: { margin: "14px 0 4px" } }, "If the model stopped here, its next token would be:"), tableOf(["read out", "first", "second", "third"], guesses.map(([name, ...others]) => cells(name, others)), "read out early"))],
      sentence: `A block only adds to the stream. After block ${part.layer} the stream of “${labels[at]}” says “${guesses[2][1]}” (the logit lens).`,
      table: { caption: `The stream of “${labels[at]}” read out early`, columns: ["where", "first", "second", "third"], rows: guesses },
      code: `model.unembed(trace.blocks[${part.layer}].residual_after)[0, ${at}].softmax(-1)`,
    };
  },
  logits({ page, read, labels, at, temperature }) {
    const found = likeliest(read[at].logits, temperature, 12);
    const divided = (logit) => (temperature ? wholeNumber(logit / temperature) : "–");
    const most = found[0].probability || 1;
    const rows = found.map(({ id, logit, probability }) => [page.labels[id], wholeNumber(logit), divided(logit), wholeNumber(probability, 3)]);
    return {
      title: `Logits → ÷ temperature → softmax: what comes after “${labels[at]}”`,
      elements: [tableOf(["token", "logit", `÷ ${temperature.toFixed(1)}`, "probability", ""], found.map(({ probability }, i) => cells(rows[i][0], [...rows[i].slice(1), shareOf(probability / most)])), "logits and probabilities")],
      sentence: `The last stream becomes ${page.gpt.config.vocab_size.toLocaleString("en")} logits, one a token. ${temperature ? `Divided by the temperature ${temperature.toFixed(1)}, softmax makes them shares of 1` : "At temperature 0 all goes to the largest"}: “${rows[0][0]}” gets ${wholeNumber(found[0].probability)}.`,
      table: { caption: `After “${labels[at]}”`, columns: ["token", "logit", "divided", "probability"], rows },
      code: `(model(torch.tensor([ids]))[0, ${at}] / ${temperature.toFixed(1)}).softmax(-1)`,
    };
  },
};
