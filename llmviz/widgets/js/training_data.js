// What a recorded run holds, as Python packed it; no element of the page in here.
import { unpack } from "./base.js";
import { readAttention } from "./attention_data.js";

// One run: the payload's own lists, and its frames opened.
export function readRun(run, nFrames) {
  const places = run.points ? unpack(run.points) : null;
  const nWords = run.words.length;
  return {
    ...run,
    nextTokens: run.next_tokens.map(({ prefix, tokens, exact, frames }) => {
      const values = unpack(frames);
      return { prefix, tokens, exact, at: (frame) => tokens.map((_, index) => values[frame * tokens.length + index] / 65535) };
    }),
    attention: run.attention.map(({ labels, n_layers: layers, n_heads: heads, weights }) => ({ layers, heads,
      frames: readAttention({ labels, n_layers: layers * nFrames, n_heads: heads, mask: null }, weights) })),
    // x and y from 0 to 1, y upwards; between two frames where `frame` is no whole number.
    pointsAt: places && ((frame) => {
      const [low, high, part] = [Math.floor(frame), Math.ceil(frame), frame - Math.floor(frame)];
      return run.words.map((_, word) => [0, 1].map((axis) => {
        const at = (which) => places[(which * nWords + word) * 2 + axis] / 65535;
        return at(low) + (at(high) - at(low)) * part;
      }));
    }),
  };
}

// One saved step of an attention frames, as the attention explorer's painter takes it.
export const attentionAt = ({ frames, layers }, frame) =>
  ({ ...frames, layers, weight: (layer, head, query, key) => frames.weight(frame * layers + layer, head, query, key) });

// The saved step nearest to a place on the axis, `x` being where each step lies.
export function nearestFrame(steps, x, place) {
  let [best, least] = [0, Infinity];
  steps.forEach((step, frame) => {
    const far = Math.abs(x(step) - place);
    if (far < least) [best, least] = [frame, far];
  });
  return best;
}

// Between which baselines a loss lies, in words: ", below bigram and above exact entropy".
export function amongBaselines(loss, lines) {
  const ordered = [...lines].sort((a, b) => b[1] - a[1]);
  const above = ordered.filter(([, value]) => loss < value);
  const below = ordered.filter(([, value]) => loss >= value);
  if (!ordered.length) return "";
  if (!above.length) return ", above every baseline";
  return `, below ${above.at(-1)[0]}${below.length ? ` and above ${below[0][0]}` : ""}`;
}

export const percent = (share) => `${Math.round(100 * share)} %`;
export const thousands = (number) => number.toLocaleString("en-US");

// A question of predict mode: which of these texts was written at this step? The options are from other steps far away.
export function scrubQuestion(steps, options, number) {
  const last = steps.length - 1;
  if (options.length !== steps.length) return null;
  const frame = [0.62, 0.3, 1, 0.8, 0.45][number % 5];
  const asked = Math.round(frame * last);
  const chosen = [asked];
  const texts = new Set([options[asked]]);
  for (const other of [0, last, Math.round(last / 2), Math.round(last / 4), Math.round((3 * last) / 4), ...steps.keys()]) {
    if (chosen.length < 4 && !texts.has(options[other]) && (Math.abs(other - asked) > last / 6 || last < 8)) {
      chosen.push(other);
      texts.add(options[other]);
    }
  }
  if (chosen.length < 2) return null;
  chosen.sort((a, b) => ((a * 37 + number * 11 + 5) % 23) - ((b * 37 + number * 11 + 5) % 23) || a - b);
  return { asked, frames: chosen, right: chosen.indexOf(asked) };
}
