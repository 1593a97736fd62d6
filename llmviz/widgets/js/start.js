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

// JupyterLab may show one output twice, so start on every one that is not yet started, not on the first.
for (const root of document.querySelectorAll(`.${pageClass}:not([data-ready])`)) {
  root.dataset.ready = "true";
  try {
    const values = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    explorer.render({ model: storeOf(values), el: root });
  } catch (error) {
    // The static part comes back, with a sentence above it.
    const shadow = root.shadowRoot ?? root.attachShadow({ mode: "open" });
    const sentence = document.createElement("p");
    sentence.setAttribute("role", "alert");
    sentence.textContent = `This picture cannot be touched here (${error.message}). Below is its still form.`;
    shadow.replaceChildren(sentence, document.createElement("slot"));
  }
}
