// Byte-pair encoding from its merges: the same ids as llmviz.tokenizers.BytePairTokenizer.

// Words inside which bytes are merged, as in GPT-2; a space belongs to the word after it.
export const WORD = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const END_OF_TEXT = "<|endoftext|>";

// Each byte as one visible character, as in GPT-2's files: "t" for 116, "Ġ" for the space.
function visibleBytes() {
  const isVisible = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let hidden = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : hidden++));
}

// Bytes as text; those that are no UTF-8 as hex digits, such as ⟨e2 98⟩.
export function textOfBytes(bytes) {
  let text = "";
  for (let at = 0, n = 1; at < bytes.length; at += n, n = 1) {
    const first = bytes[at];
    const size = first < 0x80 ? 1 : first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const [low, high] = [{ 0xe0: 0xa0, 0xf0: 0x90 }[first] ?? 0x80, { 0xed: 0x9f, 0xf4: 0x8f }[first] ?? 0xbf]; // of the second byte
    while (n < size && bytes[at + n] >= (n === 1 ? low : 0x80) && bytes[at + n] <= (n === 1 ? high : 0xbf)) n++;
    const part = bytes.subarray(at, at + n);
    text += n === size ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(part)
      : `⟨${Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ")}⟩`;
  }
  return text;
}

// Prose on one line, nothing invisible in it, at most so long.
export function spokenProse(text, limit) {
  const invisible = /[\p{C}\p{Zl}\p{Zp}\u{FE00}-\u{FE0F}]/gu;
  const line = text.trim().split(/\s+/).join(" ").replace(invisible, (one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  return [...line].length > limit ? `${[...line].slice(0, limit - 1).join("")}…` : line;
}

// The tokenizer of a list of merges such as "Ġt he". Ids: the 256 bytes, the merges, the end-of-text token.
export function bytePairTokenizer(merges) {
  const letters = visibleBytes();
  const pieces = [...letters, ...merges.map((merge) => merge.replace(" ", ""))];
  const tokenizer = tokenizerOf(letters, pieces, WORD);
  const bytesOf = (id) => (id === pieces.length ? new TextEncoder().encode(END_OF_TEXT) : tokenizer.bytesOf(id));
  return { ...tokenizer, bytesOf, endOfText: pieces.length, decode: (all) => textOfBytes(Uint8Array.from(all.flatMap((id) => [...bytesOf(id)]))) };
}

// The tokenizer of a list of tokens, in the order in which they were learned. Letters: how each byte is written in them;
// words: the pattern of the words inside which bytes are merged.
export function tokenizerOf(letters, pieces, words) {
  const byteOf = new Map(letters.map((letter, byte) => [letter, byte]));
  const ids = new Map(pieces.map((piece, id) => [piece, id]));

  // Of all neighbors that form a token, merge the pair that was learned first, wherever it is, from left to right; and so on.
  // (A merge makes only pairs that were learned later, because the parts of a token are older than the token.)
  // Gives the parts that are left; `merged(place, id)` is told of each merge: the place of the left part, the new token.
  function mergeAll(parts, merged = () => {}) {
    for (;;) {
      const pairs = parts.map((part, i) => (i + 1 < parts.length && ids.get(part + parts[i + 1])) || Infinity);
      const first = pairs.reduce((least, id) => Math.min(least, id), Infinity);
      if (first === Infinity) return parts;
      const next = [];
      for (let i = 0; i < parts.length; i++) {
        if (pairs[i] === first) merged(next.length, first);
        next.push(pairs[i] === first ? parts[i] + parts[++i] : parts[i]);
      }
      parts = next;
    }
  }
  const encodeWord = (word) => mergeAll(Array.from(new TextEncoder().encode(word), (byte) => letters[byte])).map((part) => ids.get(part));

  // How a token came about: for each border between its bytes, the id of the token whose merge took it away.
  const joins = new Map();
  function joinsOf(id) {
    if (!joins.has(id)) {
      const letterList = [...pieces[id]];
      const borders = letterList.slice(1).map((_, i) => i);
      const taken = new Int32Array(borders.length);
      mergeAll(letterList, (place, by) => { taken[borders.splice(place, 1)[0]] = by; });
      joins.set(id, taken);
    }
    return joins.get(id);
  }

  return {
    bytesOf: (id) => Uint8Array.from(pieces[id], (letter) => byteOf.get(letter)),
    joinsOf,
    idOfByte: (byte) => ids.get(letters[byte]),
    encode: (text) => (text.toWellFormed?.() ?? text).match(words)?.flatMap(encodeWord) ?? [],
  };
}
