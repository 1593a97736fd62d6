// What Python's token explorer answers, in a page: a text under those tokenizers that the page can hold, merge steps included.
import { bytePairTokenizer } from "./tokenizer.js";
import { labelOf } from "./tokens_data.js";

const MOST_CHARACTERS = 20_000;
const MOST_SHOWN = 300; // graphemes; the counts are of the whole text
const RIGHT_TO_LEFT = /^[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}]/u;

// Each gives the tokens of a text: {ids, sizes in bytes, labels (null for byte pairs), joinedBy (see readTokens)}.
const READERS = {
  bpe({ merges }) {
    const { encode, bytesOf, joinsOf } = bytePairTokenizer(merges);
    return (text) => {
      const ids = encode(text);
      const joinedBy = ids.flatMap((id) => [-1, ...joinsOf(id)]).slice(1);
      return { ids, sizes: ids.map((id) => bytesOf(id).length), labels: null, joinedBy: Int32Array.from(joinedBy) };
    };
  },
  characters({ pieces }) {
    const known = new Map(pieces.map((piece, id) => [piece, id]));
    return (text) => {
      const [all, utf8] = [[...text], new TextEncoder()];
      const bytes = all.map((one) => utf8.encode(one));
      return { ids: all.map((one) => known.get(one) ?? pieces.length), sizes: bytes.map((one) => one.length),
        labels: all.map((one, n) => (known.has(one) ? labelOf(bytes[n]).trimEnd() : "<unk>")), joinedBy: null };
    };
  },
};

export const knowsTokens = ({ payload }) => payload.rows.some(({ saved }) => saved);

export const openTokens = (_, first) => ({ first, readers: first.payload.rows.map(({ saved }) => (saved ? READERS[saved.kind](saved) : null)) });

// The characters as people count them.
function graphemesOf(text) {
  if (!globalThis.Intl?.Segmenter) return [...text];
  return Array.from(new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text), ({ segment }) => segment);
}

function rowOf(row, { ids, sizes, labels, joinedBy }, data) {
  let [n, place] = [0, 0];
  while (n < ids.length && place + sizes[n] <= data.length) place += sizes[n++];
  const uses = new Map();
  for (const id of ids) uses.set(id, (uses.get(id) ?? 0) + 1);
  const counted = row.where === "the corpus" ? {} : { n_uses: ids.length, uses: [...uses] };
  return { ...row, ...counted, n_tokens: ids.length, n_bytes: place, ids: Int32Array.from(ids.slice(0, n)), sizes: Int32Array.from(sizes.slice(0, n)), labels,
    joined_by: joinedBy && joinedBy.subarray(0, Math.max(0, place - 1)), byte_ids: joinedBy ? [...new Set(data)].map((byte) => [byte, byte]) : [] };
}

export function tokensAnswer({ first, readers }, name, get) {
  const text = get("text").toWellFormed?.() ?? get("text");
  if (text === first.text) return { payload: first.payload, pins: [] };
  if (text.length > MOST_CHARACTERS) {
    throw new RangeError(`This text has ${text.length.toLocaleString("en")} characters; without Python this page reads ${MOST_CHARACTERS.toLocaleString("en")}.`);
  }
  const utf8 = new TextEncoder();
  const graphemes = graphemesOf(text);
  const sizes = graphemes.slice(0, MOST_SHOWN).map((one) => utf8.encode(one).length);
  let end = 0;
  const ends = Int32Array.from(sizes, (size) => (end += size));
  const bytes = utf8.encode(text);
  const data = bytes.subarray(0, end);
  const { rows, ...same } = first.payload;
  const most_merges = Math.max(...rows.map(({ n_merges }, n) => (readers[n] ? n_merges : 0)));
  return { pins: [], payload: { ...same, most_merges, bytes: data, ends, n_characters: graphemes.length, n_bytes: bytes.length,
    right_to_left: RIGHT_TO_LEFT.test(text.match(/\p{L}/u)?.[0] ?? ""),
    rows: rows.flatMap((row, n) => (readers[n] ? [rowOf(row, readers[n](text), data)] : [])),
    missing: rows.filter((_, n) => !readers[n]).map((row) => row.name) } };
}
