// Data with their numbers as base64, as `unpack` takes them. Python has put the first bytes of all numbers first.
function dataOf(bytes) {
  const end = bytes.indexOf(10);
  return JSON.parse(textOf(bytes.subarray(0, end)), (name, one) => {
    if (!one?.dtype) return one;
    const planes = bytes.subarray(end + 1 + one.data[0], end + 1 + one.data[1]);
    const [width, letters] = [Number(one.dtype.match(/\d+/)[0]) / 8, []];
    for (let at = 0; at < planes.length; at++)
      letters.push(String.fromCharCode(planes[(at % width) * (planes.length / width) + Math.floor(at / width)]));
    return { ...one, data: btoa(letters.join("")) };
  });
}

// The page as host: data from the JSON in the output, a small store in place of the kernel.
function storeOf(values) {
  const listeners = new Map();
  const changed = new Set();
  return {
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      changed.add(name);
      for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
    },
    save_changes() {
      if (!changed.size) return;
      changed.clear();
      for (const listener of [...(listeners.get("change") ?? [])]) listener();
    },
    on(event, listener) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(listener);
    },
    off(event, listener) {
      listeners.get(event)?.delete(listener);
    },
    send() {},
  };
}

// Weights or a vocabulary that lie in a script beside the page: it writes them into their place, once.
const loadBeside = (place) => (place.coming ??= new Promise((resolve, reject) => {
  const { beside } = place.dataset;
  const onerror = () => {
    place.coming = null;
    reject(new Error(`The file ${beside}, which this picture needs, is not beside this page: copy the whole folder.`));
  };
  document.head.append(Object.assign(document.createElement("script"), { src: beside, onload: resolve, onerror }));
}));

// The page answers what Python would answer: from the explorer's models, where the page holds them (export puts them there),
// or from the data alone. `first`: the values at the start. The model is unpacked when it is first needed, as "page".
// An explorer that brings its data later is given what brings them.
function answerHere(store, first, models) {
  let page = null;
  const held = (script) => script && JSON.parse(script.textContent);
  const given = explorer.bringsLater ? (place) => place && (() => loadBeside(place).then(() => inflated(held(place)))) : held;
  const opened = () => (page ??= explorer.open(given(models[0]), first, ...models.slice(1).map(given)));
  store.set("page", opened);
  store.set("is_live", true);
  let isAnswering = false;
  const answer = async (name) => {
    if (isAnswering) return;
    try {
      const missing = explorer.bringsLater ? [] : models.filter((one) => one.dataset.beside && !one.textContent);
      if (missing.length) await Promise.all(missing.map(loadBeside));
      isAnswering = true; // the answer itself changes traits
      const { later, ...values } = { ...explorer.answer(opened(), name, store.get) };
      later?.then(() => answer(name));
      for (const [trait, value] of Object.entries({ problem: "", ...values })) store.set(trait, value);
    } catch (error) {
      store.set("problem", error.message);
    }
    isAnswering = false;
  };
  store.answer = (name) => explorer.answersTo.includes(name) && answer(name);
  for (const name of explorer.answersTo) {
    let waiting = 0;
    store.on(`change:${name}`, () => {
      if (name !== "text" || !explorer.delay) return answer(name);
      clearTimeout(waiting); // whoever types on is not kept waiting
      waiting = setTimeout(answer, explorer.delay, name);
    });
  }
}

async function begin(root) {
  root.hasBegun = true;
  try {
    const values = dataOf(await inflated(root.querySelector('script[type="application/octet-stream"]').textContent));
    const store = storeOf({ problem: "", ...values });
    const inPage = [...document.querySelectorAll("script.lv-model")];
    const named = (root.dataset.model ?? "").split(" ").map((name) => inPage.find((one) => one.dataset.model === name));
    const models = named.every(Boolean) ? named : inPage.filter((one) => one.textContent && explorer.fits?.(JSON.parse(one.textContent), values)).slice(0, 1);
    if (explorer.answer && (models.length || explorer.answersAlone?.(values))) {
      answerHere(store, { ...values }, models);
      root.dataset.alive = "true";
    }
    // An exported page keeps the state in its address (address.js); there, a link gives it back.
    if (explorer.shared) root.dispatchEvent(new CustomEvent("llmviz-begin", { bubbles: true, detail: { store, shared: explorer.shared } }));
    explorer.render({ model: store, el: root });
  } catch (error) {
    // The static part comes back, with a sentence above it.
    const shadow = root.shadowRoot ?? root.attachShadow({ mode: "open" });
    const sentence = document.createElement("p");
    sentence.setAttribute("role", "alert");
    sentence.textContent = `This picture cannot be touched here (${error.message}). Below is its still form.`;
    shadow.replaceChildren(sentence, document.createElement("slot"));
  }
  root.dataset.ready = "true";
}

// JupyterLab may show one output twice, so begin with every one that has not begun, not with the first. One that the
// browser is still reading has nothing after it yet: the script after it will begin it.
for (const root of document.querySelectorAll(`.${pageClass}`)) if (!root.hasBegun && root.nextSibling) begin(root);
