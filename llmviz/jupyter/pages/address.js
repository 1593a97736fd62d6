// The state of the widgets in the address of the page: `#!cell-19?text=Mia&head=2;cell-30?at=3.1`. It is written once a
// learner has touched a widget, and read when such a link is opened. What does not fit is left out.
(() => {
  const MOST = 2000; // characters that mail and chat carry
  const whole = (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined);
  const each = (text, read) => {
    const found = text === "" ? [] : text.split(".").slice(0, 200).map(read);
    return found.includes(undefined) ? undefined : found;
  };
  const pair = (text) => (/^\d{1,6}-\d{1,6}$/.test(text) ? text.split("-").map(Number) : undefined);
  // The kinds of traits: how one is written, and read again (undefined: it does not fit).
  const KINDS = {
    text: [String, (text) => text],
    name: [String, (text) => (/^\w{1,40}$/.test(text) ? text : undefined)],
    count: [String, whole],
    choice: [(number) => number ?? "none", (text) => (text === "none" ? null : whole(text))],
    number: [String, (text) => (/^\d{1,6}(\.\d{1,20})?$/.test(text) ? Number(text) : undefined)],
    flag: [(is) => (is ? "yes" : "no"), (text) => ({ yes: true, no: false })[text]],
    places: [(list) => list.join("."), (text) => each(text, whole)],
    pairs: [(list) => list.map((one) => one.join("-")).join("."), (text) => each(text, pair)],
  };
  const held = new Map(); // name in the address → a widget
  const touched = new Set(); // names, the last one at the end

  const nameOf = (root) => {
    const home = root.closest("[id]") ?? document.body;
    const place = [...home.querySelectorAll(".lv")].indexOf(root);
    return `${home.id || "page"}${place > 0 ? `.${place + 1}` : ""}`;
  };
  const written = ({ store, shared }) => Object.entries(shared).map(([name, kind]) => {
    const value = store.get(name);
    return [name, value === undefined ? "" : String(KINDS[kind][0](value))];
  });
  const stateOf = (name) => {
    const { first, ...one } = held.get(name);
    const changed = new URLSearchParams(written(one).filter(([trait, text]) => text !== first.get(trait)));
    return `${encodeURIComponent(name)}${changed.size ? `?${changed}` : ""}`;
  };
  const put = (hash) => {
    try {
      history.replaceState(history.state, "", `#!${hash}`);
    } catch { /* a browser that allows no more changes for now: the address stays as it was */ }
  };

  let waiting = 0;
  function save(name) {
    if (!held.get(name).hasActed) return;
    touched.delete(name);
    touched.add(name);
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const names = [...touched];
      while (names.length && names.map(stateOf).join(";").length > MOST) names.shift();
      if (names.length) put(names.map(stateOf).join(";"));
    }, 300);
  }

  async function link(name) {
    const state = stateOf(name);
    if (state.length > MOST) return `The text is too long for a link, which holds ${MOST.toLocaleString("en")} characters.`;
    clearTimeout(waiting);
    put(state);
    try {
      await navigator.clipboard.writeText(location.href);
      return "Copied.";
    } catch {
      return "The link is in the address line: copy it there.";
    }
  }

  function wanted() {
    if (!location.hash.startsWith("#!") || location.hash.length > 2 * MOST) return [];
    return location.hash.slice(2).split(";").map((part) => {
      const [name, state = ""] = part.split(/\?(.*)/s);
      try {
        return [decodeURIComponent(name), new URLSearchParams(state)];
      } catch {
        return ["", null]; // half an escape
      }
    }).filter(([name]) => held.has(name));
  }
  async function restore(name, state) {
    const { root, store, shared } = held.get(name);
    for (const [trait, kind] of Object.entries(shared)) {
      const value = state.has(trait) ? KINDS[kind][1](state.get(trait)) : undefined;
      if (value === undefined) continue;
      store.set(trait, value);
      await store.answer?.(trait);
    }
    store.save_changes();
    touched.add(name);
    if (wanted().at(-1)?.[0] === name) root.scrollIntoView({ block: "center" });
  }
  const restoreAll = () => wanted().forEach(([name, state]) => restore(name, state));

  // A widget begins (start.js): it is drawn once this has been heard.
  addEventListener("llmviz-begin", ({ target: root, detail: { store, shared } }) => {
    const [name, one] = [nameOf(root), { root, store, shared }];
    held.set(name, { ...one, hasActed: false });
    store.link = () => link(name);
    for (const trait of Object.keys(shared)) store.on(`change:${trait}`, () => save(name));
    for (const event of ["pointerdown", "keydown", "input"]) {
      root.addEventListener(event, () => { held.get(name).hasActed = true; }, { once: true, capture: true });
    }
    const found = wanted().find(([asked]) => asked === name);
    queueMicrotask(() => {
      held.get(name).first = new Map(written(one));
      if (found) restore(...found);
    });
  });
  addEventListener("hashchange", restoreAll);
  // What lay above has its full height only now.
  addEventListener("load", () => {
    const last = wanted().at(-1);
    if (last) held.get(last[0]).root.scrollIntoView({ block: "center" });
  });
})();
