// What Python's token explorer answers, in a page: a text under those tokenizers that the page can hold, merge steps included.
import { bytePairTokenizer, tokenizerOf, WORD } from "./tokenizer.js";
import { labelOf } from "./tokens_data.js";

const MOST_CHARACTERS = 20_000;
const MOST_SHOWN = 300; // graphemes; the counts are of the whole text
const RIGHT_TO_LEFT = /^[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}]/u;

// The words inside which GPT-4 and GPT-4o merge bytes, as in llmviz.tokenizers.tiktoken; GPT-2's are those of our BPE.
const asTyped = String.raw;
const CONTRACTION = asTyped`'(?:[sdmtSDMT\u017f]|[lL]{2}|[vV][eE]|[rR][eE])`;
const [UPPER, LOWER] = [asTyped`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, asTyped`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`];
const BEFORE_LETTERS = asTyped`[^\r\n\p{L}\p{N}]?`;
const [ANY_SPACE, SIGNS] = [asTyped`\p{White_Space}`, asTyped` ?[^\p{White_Space}\p{L}\p{N}]+`];
const anyOf = (...patterns) => new RegExp(patterns.join("|"), "gu");
const WORDS = {
  "gpt2": WORD,
  "gpt-4": anyOf(CONTRACTION, asTyped`${BEFORE_LETTERS}\p{L}+`, asTyped`\p{N}{1,3}`, asTyped`${SIGNS}[\r\n]*`, `${ANY_SPACE}+$`, asTyped`${ANY_SPACE}*[\r\n]`,
    asTyped`${ANY_SPACE}+(?!\P{White_Space})`, ANY_SPACE),
  "gpt-4o": anyOf(`${BEFORE_LETTERS}${UPPER}*${LOWER}+(?:${CONTRACTION})?`, `${BEFORE_LETTERS}${UPPER}+${LOWER}*(?:${CONTRACTION})?`,
    asTyped`\p{N}{1,3}`, asTyped`${SIGNS}[\r\n/]*`, asTyped`${ANY_SPACE}*[\r\n]+`, asTyped`${ANY_SPACE}+(?!\P{White_Space})`, `${ANY_SPACE}+`),
};

// The tokenizer of a real model. Its vocabulary: the 256 tokens of one byte, then of each other token the ids of its left
// and of its right part, the lowest byte of all left parts first (see tools/pack_vocabularies.py).
export function vocabularyTokenizer(vocabulary, name) {
  const n = (vocabulary.length - 256) / 6;
  const letters = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const pieces = Array.from(vocabulary.subarray(0, 256), (byte) => letters[byte]);
  const idAt = (place) => vocabulary[place] + 256 * vocabulary[place + n] + 65536 * vocabulary[place + 2 * n];
  for (let place = 256; place < 256 + n; place++) pieces.push(pieces[idAt(place)] + pieces[idAt(place + 3 * n)]);
  return tokenizerOf(letters, pieces, WORDS[name]);
}

function pairReader({ encode, bytesOf, joinsOf, idOfByte }) {
  return (text) => {
    const ids = encode(text);
    const joinedBy = ids.flatMap((id) => [-1, ...joinsOf(id)]).slice(1);
    return { ids, sizes: ids.map((id) => bytesOf(id).length), labels: null, joinedBy: Int32Array.from(joinedBy), idOfByte };
  };
}

// Each gives the tokens of a text: {ids, sizes in bytes, labels (null for byte pairs), joinedBy (see readTokens)}.
const READERS = {
  bpe: ({ merges }) => pairReader(bytePairTokenizer(merges)),
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

export const knowsTokens = ({ payload }) => payload.rows.some(({ saved }) => READERS[saved?.kind]);

// `brings`: for each row that is a real model's, in their order, what gives its vocabulary: a promise of bytes. They are
// brought once, at the first text.
export function openTokens(one, first, ...others) {
  const { rows } = first.payload;
  const brings = [one, ...others].filter(Boolean);
  const page = { first, readers: rows.map(({ saved }) => READERS[saved?.kind]?.(saved) ?? null), notes: new Map(), later: null };
  const bring = async (n) => {
    page.notes.set(n, `${rows[n].name}: loading its vocabulary …`);
    try {
      page.readers[n] = pairReader(vocabularyTokenizer(await brings.shift()(), rows[n].saved.name));
      page.notes.delete(n);
    } catch (error) {
      page.notes.set(n, `${rows[n].name}: ${error.message}`);
    }
  };
  page.bring = () => (page.later ??= Promise.all(brings.length ? rows.flatMap(({ saved }, n) => (saved?.kind === "vocabulary" ? [bring(n)] : [])) : []));
  return page;
}

// The characters as people count them.
function graphemesOf(text) {
  if (!globalThis.Intl?.Segmenter) return [...text];
  return Array.from(new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text), ({ segment }) => segment);
}

function rowOf(row, { ids, sizes, labels, joinedBy, idOfByte }, data) {
  let [n, place] = [0, 0];
  while (n < ids.length && place + sizes[n] <= data.length) place += sizes[n++];
  const uses = new Map();
  for (const id of ids) uses.set(id, (uses.get(id) ?? 0) + 1);
  const counted = row.where === "the corpus" ? {} : { n_uses: ids.length, uses: [...uses] };
  return { ...row, ...counted, n_tokens: ids.length, n_bytes: place, ids: Int32Array.from(ids.slice(0, n)), sizes: Int32Array.from(sizes.slice(0, n)), labels,
    joined_by: joinedBy && joinedBy.subarray(0, Math.max(0, place - 1)), byte_ids: joinedBy ? [...new Set(data)].map((byte) => [byte, idOfByte(byte)]) : [] };
}

// `later`: after it, the vocabularies are there, and the answer is a fuller one.
export function tokensAnswer(page, name, get) {
  const { first, readers, notes } = page;
  const text = get("text").toWellFormed?.() ?? get("text");
  if (text === first.text) return { payload: first.payload, pins: [] };
  if (text.length > MOST_CHARACTERS) {
    throw new RangeError(`This text has ${text.length.toLocaleString("en")} characters; without Python this page reads ${MOST_CHARACTERS.toLocaleString("en")}.`);
  }
  const isFirst = !page.later;
  const later = page.bring();
  const pins = text === page.text ? get("pins") : [];
  page.text = text;
  const utf8 = new TextEncoder();
  const graphemes = graphemesOf(text);
  const sizes = graphemes.slice(0, MOST_SHOWN).map((one) => utf8.encode(one).length);
  let end = 0;
  const ends = Int32Array.from(sizes, (size) => (end += size));
  const bytes = utf8.encode(text);
  const data = bytes.subarray(0, end);
  const { rows, ...same } = first.payload;
  const most_merges = Math.max(0, ...rows.map(({ n_merges }, n) => (readers[n] ? n_merges : 0)));
  const missing = rows.filter((_, n) => !readers[n] && !notes.has(n)).map((row) => row.name);
  if (missing.length) notes.set(-1, `${missing.join(", ")}: not in this page. With Python (make lab) they answer your text, too.`);
  return { later: isFirst ? later : null, pins, payload: { ...same, most_merges, bytes: data, ends, n_characters: graphemes.length, n_bytes: bytes.length,
    right_to_left: RIGHT_TO_LEFT.test(text.match(/\p{L}/u)?.[0] ?? ""),
    rows: rows.flatMap((row, n) => (readers[n] ? [rowOf(row, readers[n](text), data)] : [])),
    notes: [...notes.values()] } };
}
