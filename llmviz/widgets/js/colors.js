// Color scales: viridis for 0 … 1, YlGnBu for attention weights, as in the pictures of llmviz.plots; blue–white–orange for
// differences, Okabe and Ito's eight for groups.
const VIRIDIS = [
  "440154", "48186a", "472d7b", "424086", "3b528b", "33638d", "2c728e", "26828e", "21918c", "1fa088", "28ae80", "3fbc73",
  "5ec962", "84d44b", "addc30", "d8e219", "fde725",
];
const YLGNBU = ["ffffd9", "edf8b1", "c6e9b4", "7ecdbb", "40b5c4", "1d90c0", "225da8", "243392", "081d58"];
const DIVERGING = ["2166ac", "67a9cf", "d1e5f0", "f7f7f7", "fddbc7", "ef8a62", "b2182b"];
export const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#f0e442"];

const parts = (hex) => [0, 2, 4].map((start) => parseInt(hex.slice(start, start + 2), 16));

function between(stops, t) {
  const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const [from, to] = [parts(stops[low]), parts(stops[low + 1])];
  return from.map((value, index) => Math.round(value + (to[index] - value) * (place - low)));
}

// [red, green, blue] of a number from 0 to 1.
export const viridis = (t) => between(VIRIDIS, t);

// [red, green, blue] of an attention weight: pale is 0 and dark is 1; in a dark theme lightness is inverted, as in pictures
// (`invert(.93) hue-rotate(180deg)`).
export function attentionColor(t, isDark) {
  const color = between(YLGNBU, t);
  if (!isDark) return color;
  const [red, green, blue] = color.map((value) => 237 - 0.86 * value);
  return [1.43 * green - 0.574 * red + 0.144 * blue, 0.426 * red + 0.43 * green + 0.144 * blue, 0.426 * red + 1.43 * green - 0.856 * blue]
    .map((value) => Math.round(Math.min(Math.max(value, 0), 255)));
}

// Whether text of this CSS color, "rgb(…)", stands on a dark ground.
export const isLight = (ink) => (ink.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((sum, value) => sum + Number(value), 0) > 384;

// [red, green, blue] of a number from -1 to 1; the sign is printed beside it, for those who do not see colors.
export const diverging = (t) => between(DIVERGING, (t + 1) / 2);

// 256 colors as a canvas stores them (ABGR), for quick painting.
export function colorTable(scale) {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    const [red, green, blue] = scale(index / 255);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

// Black or white, whichever reads better on a color: contrast by WCAG's relative luminance.
const linear = (value) => (value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4);
export const inkOn = ([red, green, blue]) =>
  (0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.179 ? "#000" : "#fff");
