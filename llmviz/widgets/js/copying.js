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
