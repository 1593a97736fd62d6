// What two models fill in for hidden words of a sentence of one's own, in a page that holds both; as llmviz.generation.FillMask.
import { softmax, unpackModel } from "./model.js";
import { bytePairTokenizer, spokenProse } from "./tokenizer.js";
import { labelOf } from "./tokens_data.js";

const MASK = "___";
const [BEAM_WIDTH, MOST_WORD_TOKENS] = [16, 6];
const [TOP, MOST_ROWS, LEAST] = [5, 8, 0.005];
const MOST_READ = 12_000; // tokens that the masked model reads for one answer: a few seconds
// A word, with apostrophes inside, or one mark; as llmviz.tokenizers.words.
const SPELLED = /[\p{L}\p{M}\p{N}_]+(?:['’][\p{L}\p{M}\p{N}]+)*|[^\p{White_Space}\p{L}\p{M}\p{N}_]/gu;
const OUTER_SPACE = /^[\p{White_Space}\x1c-\x1f]+|[\p{White_Space}\x1c-\x1f]+$/gu;

const utf8 = new TextEncoder();
const labelOfWord = (text) => (text === null ? MASK : labelOf(utf8.encode(text)).trimEnd());
const bySize = (one, other) => other[1] - one[1];

export function openFill(packed, first, packedMasked) {
  const [causal, masked, tokenizer] = [unpackModel(packed), unpackModel(packedMasked), bytePairTokenizer(packed.merges)];
  const texts = Array.from({ length: causal.config.vocab_size }, (_, id) => tokenizer.decode([id]));
  const letter = tokenizer.encode("a");
  return { causal, masked, tokenizer, first, mask: masked.config.vocab_size - 1,
    // Which tokens continue the word before them, and which end so that the word may go on.
    continues: texts.map((_, id) => tokenizer.decode([...letter, id]).match(SPELLED)[0] !== "a"),
    mayContinue: texts.map((text) => /[\p{L}\p{N}_]$/u.test(text)) };
}

// The tokens of each word or mark of a text.
function wordIds(tokenizer, text) {
  const borders = new Set([0]);
  let end = 0;
  for (const character of text) borders.add((end += utf8.encode(character).length));
  for (const { 0: word, index } of text.matchAll(SPELLED)) {
    let place = utf8.encode(text.slice(0, index)).length;
    for (const character of word) {
      if (place > utf8.encode(text.slice(0, index)).length) borders.delete(place);
      place += utf8.encode(character).length;
    }
  }
  const [words, open] = [[], []];
  let place = 0;
  for (const id of tokenizer.encode(text)) {
    open.push(id);
    place += tokenizer.bytesOf(id).length;
    if (borders.has(place)) words.push(open.splice(0));
  }
  return words;
}

const wordText = ({ tokenizer }, ids) => {
  const text = tokenizer.decode(ids);
  return text.replace(OUTER_SPACE, "") || text;
};

// The ids of a text, with an end-of-text token at either end, and its words: {text (null: a typed mask), start, stop, glued}.
export function readWords(page, text) {
  const { tokenizer, causal, masked, mask } = page;
  const [ids, words] = [[tokenizer.endOfText], []];
  text.split(MASK).forEach((piece, number, pieces) => {
    if (number) {
      words.push({ text: null, start: ids.length, stop: ids.length + 1, glued: false });
      ids.push(mask);
    }
    for (const own of wordIds(tokenizer, number < pieces.length - 1 ? piece.replace(/ $/, "") : piece)) {
      const glued = ids.length > 1 && !/^[\p{White_Space}\x1c-\x1f]/u.test(tokenizer.decode(own));
      words.push({ text: wordText(page, own), start: ids.length, stop: ids.length + own.length, glued });
      ids.push(...own);
    }
  });
  if (!words.length) throw new RangeError(`Type a sentence; "${MASK}" in it is a word to be filled in.`);
  const limit = Math.min(causal.config.context_length, masked.config.context_length);
  if (ids.length + 1 > limit) throw new RangeError(`these models see ${limit} tokens at once; the text has ${ids.length + 1}. Type less.`);
  return { ids: [...ids, tokenizer.endOfText], words };
}

// Each beginning of a word, [ids, probability], with each token behind it; the most probable.
function extend(beams, shares) {
  const all = beams.flatMap(([ids, probability], beam) => Array.from(shares[beam], (share, id) => [[...ids, id], probability * share]));
  return all.sort(bySize).slice(0, BEAM_WIDTH);
}

// {word: probability}, the most probable first; token sequences of one spelling together.
function sumByWord(page, beams) {
  const total = new Map();
  for (const [ids, probability] of beams) {
    const word = wordText(page, ids);
    total.set(word, (total.get(word) ?? 0) + probability);
  }
  return new Map([...total].sort(bySize));
}

// The masked model fills the masks of one word from left to right.
function fillWord(page, row, { start, stop }) {
  let beams = [[[], 1]];
  for (let at = start; at < stop; at++) {
    beams = extend(beams, beams.map(([ids]) => {
      const read = page.masked.read([...row.slice(0, start), ...ids, ...row.slice(at)], { causal: false, logitsOf: "last" });
      return softmax(page.masked.unembed(read[at].layers.at(-1).residual_after).subarray(0, page.mask));
    }));
  }
  return sumByWord(page, beams);
}

// The next words of the causal model, as [ids, probability].
function nextWords({ causal, continues, mayContinue }, before) {
  const limit = causal.config.context_length;
  const cache = causal.newCache();
  const [start] = causal.read(before.slice(-limit), { cache, logitsOf: "last" }).slice(-1);
  const after = (ids) => softmax((!ids.length ? start : before.length + ids.length > limit
    ? causal.read([...before, ...ids].slice(-limit), { logitsOf: "last" }).at(-1)
    : causal.read(ids, { cache: cache.map((layer) => [...layer]), logitsOf: "last" }).at(-1)).logits);
  const complete = [];
  let beams = [[[], 1]];
  for (let nTokens = 0; nTokens < MOST_WORD_TOKENS && beams.length; nTokens++) {
    let shares = beams.map(([ids]) => after(ids));
    const inside = shares.map((all) => all.reduce((sum, share, id) => sum + (continues[id] ? share : 0), 0));
    if (nTokens) {
      beams.forEach(([ids, probability], beam) => complete.push([ids, probability * (1 - inside[beam])]));
      shares = shares.map((all) => all.map((share, id) => (continues[id] ? share : 0)));
    } else if (mayContinue[before.at(-1)]) { // the word before is complete
      shares = shares.map((all, beam) => all.map((share, id) => (continues[id] ? 0 : share / (1 - inside[beam]))));
    }
    const grown = extend(beams, shares);
    complete.push(...grown.filter(([ids]) => !mayContinue[ids.at(-1)]));
    beams = grown.filter(([ids]) => mayContinue[ids.at(-1)]);
  }
  return complete;
}

// Of each hidden word {both, left}: {word: probability} of the masked and of the causal model.
export function fillHidden(page, { ids, words }, places) {
  const row = [...ids];
  for (const place of places) row.fill(page.mask, words[place].start, words[place].stop);
  const before = [];
  let done = 0;
  return places.map((place) => {
    const word = words[place];
    before.push(...ids.slice(done, word.start));
    done = word.stop;
    const complete = nextWords(page, before);
    before.push(...complete.reduce((most, one) => (one[1] > most[1] ? one : most))[0]);
    return { both: fillWord(page, row, word), left: sumByWord(page, complete) };
  });
}

// The words with bars, as FillMaskExplorer in Python chooses and orders them.
function caseFor({ text }, { both, left }) {
  const of = (word) => [both.get(word) ?? 0, left.get(word) ?? 0];
  const wanted = [...new Set([both, left].flatMap((shares) => [...shares.keys()].slice(0, TOP)))].map((word) => [word, Math.max(...of(word))]);
  let most = wanted.sort(bySize).filter(([, larger], place) => !place || larger >= LEAST).slice(0, MOST_ROWS).map(([word]) => word);
  if (text !== null && !most.includes(text)) most = [...most.slice(0, MOST_ROWS - 1), text];
  const thousandths = (word) => Math.round(1000 * of(word)[0]);
  most.sort((one, other) => thousandths(other) - thousandths(one) || of(other)[1] - of(one)[1]);
  return { rows: most.map((word) => [labelOfWord(word), ...of(word), 0, 0]), truth: most.indexOf(text), exact: [0, 0] };
}

export function fillAnswer(page, name, get) {
  const { payload: recorded, text: firstText, hidden: firstHidden } = page.first;
  const text = get("text").toWellFormed?.() ?? get("text");
  const isFirst = text === firstText;
  if (isFirst && name === "text") return { payload: recorded, hidden: firstHidden, pins: [] };
  if (isFirst && recorded.cases[get("hidden").join(",")]) return { payload: recorded };
  const read = readWords(page, text);
  const typed = [...read.words.keys()].filter((place) => read.words[place].text === null);
  const wanted = name === "hidden" ? get("hidden") : typed.length ? [] : [Math.floor(read.words.length / 2)];
  const hidden = [...new Set([...wanted, ...typed])].filter((place) => read.words[place]).sort((one, other) => one - other);
  if (!hidden.length) return {};
  const nRead = hidden.reduce((sum, place) => sum + read.ids.length * (1 + BEAM_WIDTH * (read.words[place].stop - read.words[place].start - 1)), 0);
  if (nRead > MOST_READ) throw new RangeError("What is hidden has too many tokens for this page: hide a shorter word, or type less. Python (make lab) fills it in.");
  const payload = { ...recorded, text: spokenProse(text, 300), has_exact: recorded.has_exact ? null : false,
    words: read.words.map(({ text: own, start, stop, glued }) => ({ label: labelOfWord(own), n: stop - start, glued, typed: own === null })),
    cases: { [hidden.join(",")]: fillHidden(page, read, hidden).map((shares, n) => caseFor(read.words[hidden[n]], shares)) } };
  return name === "text" ? { payload, hidden, pins: [] } : { payload, hidden };
}
