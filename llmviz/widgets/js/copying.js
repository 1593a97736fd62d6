// Copying what one sees: as a picture, as numbers. Where the clipboard is closed, as a file.

export function csv({ columns, rows }) {
  const quoted = (text) => {
    const cell = String(text);
    // A cell that a spreadsheet would take for a formula gets an apostrophe.
    const inert = /^[=+@\t\r]|^-(?![\d.])/.test(cell) ? `'${cell}` : cell;
    return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  return [columns, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
}

export async function copyText(text, kind, name) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    return saved(new Blob([text], { type: kind }), name);
  }
}

export async function copyPicture(element, background, name) {
  const picture = await pictureOf(element, background);
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    return "Copied.";
  } catch {
    return saved(picture, name);
  }
}

function saved(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  return `Saved as ${name}.`;
}

// The styles of a diagram that drawing programs read; its colors as they name them, with the opacity apart.
const DRAWN = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "opacity",
  "font-family", "font-size", "font-weight", "text-anchor"];

export function saveDiagram(diagram, background, name) {
  const { width, height } = diagram.getBoundingClientRect();
  const copy = diagram.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", Math.round(width));
  copy.setAttribute("height", Math.round(height));
  const copies = [...copy.querySelectorAll("*")];
  for (const [index, element] of [...diagram.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(element);
    for (const key of DRAWN) copies[index].style.setProperty(key, style.getPropertyValue(key));
    for (const key of ["fill", "stroke"]) {
      const [color, opacity] = plainColor(style.getPropertyValue(key));
      copies[index].style.setProperty(key, color);
      copies[index].style.setProperty(`${key}-opacity`, opacity * style.getPropertyValue(`${key}-opacity`));
    }
  }
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: plainColor(background)[0] })) paper.setAttribute(key, value);
  copy.prepend(paper);
  return saved(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }), name);
}

// [a color as rgb(…) or none, its opacity], however the browser writes it.
function plainColor(text) {
  if (text === "none") return ["none", 1];
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  pen.fillStyle = text;
  pen.fillRect(0, 0, 1, 1);
  const [red, green, blue, opacity] = pen.getImageData(0, 0, 1, 1).data;
  return [`rgb(${red}, ${green}, ${blue})`, Math.round((100 * opacity) / 255) / 100];
}

// An element as it looks now, as a PNG: a copy with all styles written into it, drawn through SVG.
export async function pictureOf(element, background) {
  const { width, height } = element.getBoundingClientRect();
  if (!width || !height) throw new Error("there is nothing to copy");
  const copy = styledCopy(element);
  copy.setAttribute("xmlns", "http://www.w3.org/1999/xhtml");
  const markup = new XMLSerializer().serializeToString(copy).replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD");
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<foreignObject width="100%" height="100%">${markup}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(drawing)}`;
  await image.decode();
  const scale = 2;
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = background;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((give, fail) => canvas.toBlob((blob) => (blob ? give(blob) : fail(new Error("the browser drew nothing"))), "image/png"));
}

// Written into each copy: what differs from the initial style, to which `all: initial` sets the rest.
function styledCopy(element, initial = initialStyle(element)) {
  const copy = element instanceof HTMLCanvasElement ? document.createElement("img") : element.cloneNode(false);
  if (element instanceof HTMLCanvasElement) copy.src = element.toDataURL();
  const style = getComputedStyle(element);
  const set = ["all:initial", `direction:${style.direction}`, `unicode-bidi:${style.unicodeBidi}`];
  for (const [name, usual] of initial) {
    const value = style.getPropertyValue(name);
    if (value !== usual) set.push(`${name}:${value}`);
  }
  copy.setAttribute("style", set.join(";"));
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.cloneNode());
    else if (child.nodeType === Node.ELEMENT_NODE && getComputedStyle(child).display !== "none") copy.append(styledCopy(child, initial));
  }
  return copy;
}

// Reading styles is what takes the time: not read are those that a still picture does not show, or shows by another name.
const UNSEEN = new RegExp("-(inline|block)(-|$)|^(inline|block)-size|^(-webkit-(?!line-clamp|box)|animation|transition|scroll|view-|timeline" +
  "|offset|touch|will-|anchor|position-|contain|break|page|orphans|widows|cursor|pointer|resize|user|caret|app-region|interactivity|overscroll)");

function initialStyle(near) {
  const probe = near.appendChild(document.createElement("span"));
  probe.style.all = "initial";
  const style = getComputedStyle(probe);
  const found = new Map([...style].filter((name) => !UNSEEN.test(name)).map((name) => [name, style.getPropertyValue(name)]));
  probe.remove();
  return found;
}
