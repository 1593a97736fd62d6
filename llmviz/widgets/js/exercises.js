// Shows the HTML that Python made, and sends back what the learner does. All decisions are Python's.
import { SHELL_CSS } from "./style.js";

const CSS = `
  table { border: 0; } th, td { border: 0; }
  p { margin: 6px 0; } ul { margin: 4px 0; }
  a { color: var(--second); }
  summary { width: auto; } summary:hover { background: var(--faint); }
  form { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 8px 0; }
  button { padding: 4px 12px; }
  .gap { font-weight: 600; }
  .score { font-weight: 600; }
  .status { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

// The cell under a heading: JupyterLab names headings by data-jupyter-id, exported pages by id.
function headingOf(host, target) {
  const page = host.closest(".jp-Notebook") ?? document;
  return [...page.querySelectorAll("[data-jupyter-id], [id]")]
    .find((one) => one.dataset.jupyterId === target || one.id === target);
}

// Another lesson, in the folder of this one: JupyterLab opens it at the heading, and this one stays as it is.
function openBeside(host, page, target) {
  const here = decodeURIComponent(location.pathname.split("/tree/")[1] ?? "");
  const link = document.createElement("span");
  link.hidden = true;
  link.dataset.commandlinkerCommand = "rendermime:handle-local-link";
  link.dataset.commandlinkerArgs = JSON.stringify({ path: here.replace(/[^/]*$/, "") + page, id: `#${target}` });
  host.append(link); // inside the notebook, which JupyterLab trusts to give commands
  link.click();
  link.remove();
}

function follow(event, host, say) {
  const link = event.composedPath().find((one) => one.tagName === "A");
  const href = link?.getAttribute("href") ?? "";
  const [, page, target] = href.match(/^([\w.-]*)#(.+)$/) ?? [];
  if (!target || (page && !host.closest(".jp-Notebook"))) return;
  event.preventDefault();
  if (page) return openBeside(host, page, target);
  const heading = headingOf(host, decodeURIComponent(target));
  if (!heading) return say(`“${link.textContent}” is not in this notebook.`);
  heading.scrollIntoView({ block: "start" });
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

// Makes the children of `old` like those of `fresh` and leaves alone what is alike: what is open, typed, selected or
// focused stays so, and a click that has begun still finds its target.
function morph(old, fresh) {
  const children = [...fresh.childNodes];
  for (const [index, wanted] of children.entries()) {
    const present = old.childNodes[index];
    if (!present) old.append(wanted);
    else if (present.nodeName !== wanted.nodeName) present.replaceWith(wanted);
    else if (wanted.nodeType !== Node.ELEMENT_NODE) {
      if (present.data !== wanted.data) present.data = wanted.data;
    } else {
      dress(present, wanted);
      morph(present, wanted);
    }
  }
  while (old.childNodes.length > children.length) old.lastChild.remove();
}

function dress(present, wanted) {
  for (const { name } of [...present.attributes]) {
    if (!wanted.hasAttribute(name) && name !== "open") present.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
}

function render({ model, el }) {
  el.dataset.lmSuppressShortcuts = "true";
  const root = el.shadowRoot ?? el.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = SHELL_CSS + CSS;
  const body = document.createElement("div");
  body.setAttribute("role", "group");
  body.setAttribute("aria-label", model.get("label"));
  const status = document.createElement("p");
  status.className = "status";
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  root.replaceChildren(style, body, status);
  const say = (text) => { status.textContent = text; };

  const draw = () => {
    const fresh = document.createElement("template");
    fresh.innerHTML = model.get("body");
    const focused = root.activeElement;
    morph(body, fresh.content);
    if (focused && !root.activeElement) body.querySelector("input, button, summary")?.focus({ preventScroll: true });
  };
  const announce = () => say(model.get("said"));

  const clicked = (event) => {
    follow(event, el, say);
    const button = event.target.closest("button[data-do]");
    if (button) model.send({ do: button.dataset.do, value: button.dataset.value ?? "" });
    const option = event.target.closest("summary")?.closest("details.option");
    if (option && !option.open) {
      model.send({ do: "choose", question: option.dataset.question, value: option.dataset.option });
    }
  };
  const submitted = (event) => {
    event.preventDefault();
    const input = event.target.querySelector("input");
    if (input) model.send({ do: "commit", value: input.value });
  };
  // JupyterLab keeps the browser from submitting on Enter.
  const entered = (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  };
  body.addEventListener("click", clicked);
  body.addEventListener("submit", submitted);
  body.addEventListener("keydown", entered);
  model.on("change:body", draw);
  model.on("change:said", announce);
  draw();
  return () => {
    model.off("change:body", draw);
    model.off("change:said", announce);
  };
}

export default { render };
