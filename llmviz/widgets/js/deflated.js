// What Python has deflated: a module, or data, which are JSON, a line break, and the bytes of its packed numbers.
async function inflated(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  if (!globalThis.DecompressionStream) throw new Error("this browser is too old; a version of 2023 or later is needed");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The still form comes back, with a sentence above it.
function showStill(root, { message }) {
  const shadow = root.shadowRoot ?? root.attachShadow({ mode: "open" });
  const sentence = document.createElement("p");
  sentence.setAttribute("role", "alert");
  sentence.textContent = `This picture cannot be touched here (${message}). Below is its still form.`;
  shadow.replaceChildren(sentence, document.createElement("slot"));
  root.dataset.ready = "true";
}

const textOf = (bytes) => new TextDecoder().decode(bytes);

function runScript(source) {
  const script = document.createElement("script");
  script.textContent = source;
  document.head.append(script);
  script.remove();
}

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
