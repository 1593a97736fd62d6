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

// The page answers what Python would answer: from the explorer's model, where the page holds it (export puts it there),
// or from the data alone. `first`: the values at the start. The model is unpacked when it is first needed, as "page".
function answerHere(store, first, packed) {
  let page = null;
  const opened = () => (page ??= explorer.open(packed && JSON.parse(packed.textContent), first));
  store.set("page", opened);
  store.set("is_live", true);
  let isAnswering = false;
  const answer = (name) => {
    if (isAnswering) return;
    isAnswering = true;
    try {
      for (const [trait, value] of Object.entries({ problem: "", ...explorer.answer(opened(), name, store.get) })) store.set(trait, value);
    } catch (error) {
      store.set("problem", error.message);
    }
    isAnswering = false;
  };
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
    const packed = explorer.answer && (document.querySelector(`script.lv-model[data-model="${root.dataset.model}"]`)
      ?? [...document.querySelectorAll("script.lv-model")].find((one) => explorer.fits?.(JSON.parse(one.textContent), values)));
    if (packed || explorer.answersAlone?.(values)) {
      answerHere(store, { ...values }, packed);
      root.dataset.alive = "true";
    }
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

// JupyterLab may show one output twice, so begin with every one that has not begun, not with the first.
for (const root of document.querySelectorAll(`.${pageClass}`)) if (!root.hasBegun) begin(root);
