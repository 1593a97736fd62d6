// What the browser tests of the explorers see: run in the page, returns {contrasts, tooWide, nameless, misnamed, stuck}.
() => {
  const hosts = [...document.querySelectorAll("[data-lm-suppress-shortcuts]")]
    .filter((host) => host.shadowRoot?.querySelector(".frame"));
  const all = (host, selector) => [...host.shadowRoot.querySelectorAll(`.frame ${selector}`)]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }));
  const parent = (one) =>
    one.assignedSlot ?? one.parentElement ?? (one.getRootNode() instanceof ShadowRoot ? one.getRootNode().host : null);

  // Colors as [red, green, blue, opacity]; one laid over another; WCAG's relative luminance.
  const color = (text) => {
    const numbers = text.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return [...numbers.slice(0, 3).map((one) => one * scale), numbers[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = (rgb) => rgb.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const probe = document.documentElement.appendChild(document.createElement("i"));
  probe.style.background = "Canvas";
  const paper = color(getComputedStyle(probe).backgroundColor);
  probe.remove();

  // A text against what lies behind it: the colors of all that holds it, laid over one another.
  const contrastOf = (one) => {
    const way = [];
    for (let up = one; up; up = parent(up)) way.unshift(getComputedStyle(up));
    const behind = way.reduce((below, style) => over(color(style.backgroundColor), below), paper);
    const opacity = way.reduce((product, style) => product * Number(style.opacity), 1);
    const ink = color(way.at(-1).color);
    const [more, less] = [light(over([...ink.slice(0, 3), ink[3] * opacity], behind)), light(behind)].sort((a, b) => b - a);
    return (more + 0.05) / (less + 0.05);
  };
  const textOf = (one) => [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
    .map((node) => node.data.trim()).join("");
  const contrasts = hosts.flatMap((host) => all(host, "*").filter((one) => textOf(one) && one.tagName !== "OPTION")
    .map((one) => [Math.round(10 * contrastOf(one)) / 10, `${one.tagName} .${one.className}: ${textOf(one).slice(0, 40)}`]));

  // What sticks out of the 900 pixels or the window, unless something that scrolls holds it.
  const scrolls = (one) => one && (/auto|scroll|hidden/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const tooWide = hosts.flatMap((host) => {
    const edge = Math.min(host.getBoundingClientRect().left + 900, innerWidth) + 1;
    return all(host, "*").filter((one) => one.getBoundingClientRect().right > edge && !scrolls(one.parentElement))
      .map((one) => `${one.tagName} .${one.className}`);
  });

  // What can be focused or seen as a picture, and has no name for a screen reader.
  const isNamed = (one) => one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.[0]?.textContent.trim() ||
    one.closest("button, [aria-hidden=true]");
  const nameless = hosts.flatMap((host) =>
    all(host, ":is(button, input, select, canvas, [role=img], [tabindex='0'])").filter((one) => !isNamed(one))
      .map((one) => one.outerHTML.slice(0, 160)));

  // What is called otherwise than it reads, and what scrolls but not with keys: axe's label-content-name-mismatch and
  // scrollable-region-focusable.
  const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  const misnamed = hosts.flatMap((host) => all(host, ":is(button, [role=button], [role=radio])[aria-label]")
    .filter((one) => one.innerText && !one.querySelector("[aria-hidden]") && !plain(one.getAttribute("aria-label")).includes(plain(one.innerText)))
    .map((one) => `${one.getAttribute("aria-label")}: ${one.innerText}`));
  const isLonger = (one, side, length) => /auto|scroll/.test(getComputedStyle(one)[side]) && one[`scroll${length}`] > one[`client${length}`] + 1;
  const stuck = hosts.flatMap((host) => all(host, ":not(textarea, input)")
    .filter((one) => isLonger(one, "overflowX", "Width") || isLonger(one, "overflowY", "Height"))
    .filter((one) => one.tabIndex < 0 && !one.querySelector("button, input, select, summary, a, [tabindex]")).map((one) => one.outerHTML.slice(0, 120)));
  return { contrasts, tooWide, nameless, misnamed, stuck };
}
