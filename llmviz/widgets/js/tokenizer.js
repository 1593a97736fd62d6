// Byte-pair encoding from its merges: the same ids as llmviz.tokenizers.BytePairTokenizer.

// Words inside which bytes are merged, as in GPT-2; a space belongs to the word after it.
const WORD = /'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const N_BYTES = 256;
const END_OF_TEXT = "<|endoftext|>";

// Each byte as one visible character, as in GPT-2's files: "t" for 116, "Ġ" for the space.
function visibleBytes() {
  const isVisible = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let hidden = N_BYTES;
  return Array.from({ length: N_BYTES }, (_, byte) => String.fromCharCode(isVisible(byte) ? byte : hidden++));
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

// The tokenizer of a list of merges such as "Ġt he". Ids: the 256 bytes, the merges, the end-of-text token.
export function bytePairTokenizer(merges) {
  const letters = visibleBytes();
  const byteOf = new Map(letters.map((letter, byte) => [letter, byte]));
  const pieces = [...letters, ...merges.map((merge) => merge.replace(" ", ""))];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));

  // Of all neighbors that form a token, merge the pair that was learned first, the leftmost if there are several.
  function encodeWord(word) {
    let parts = Array.from(new TextEncoder().encode(word), (byte) => letters[byte]);
    for (;;) {
      let [best, place] = [Infinity, -1];
      for (let i = 0; i + 1 < parts.length; i++) {
        const id = ids.get(parts[i] + parts[i + 1]) ?? Infinity;
        if (id < best) [best, place] = [id, i];
      }
      if (place < 0) return parts.map((part) => ids.get(part));
      parts = [...parts.slice(0, place), parts[place] + parts[place + 1], ...parts.slice(place + 2)];
    }
  }

  const bytesOf = (id) => (id === pieces.length ? new TextEncoder().encode(END_OF_TEXT) : Uint8Array.from(pieces[id], (letter) => byteOf.get(letter)));
  return {
    endOfText: pieces.length,
    encode: (text) => (text.toWellFormed?.() ?? text).match(WORD)?.flatMap(encodeWord) ?? [],
    decode: (all) => textOfBytes(Uint8Array.from(all.flatMap((id) => [...bytesOf(id)]))),
  };
}
