// What FactWorldExplorer counts: who answers, who keeps silent, and three shares. Pure functions.

export const variantName = (told, taught) => `${taught ? "taught " : ""}${told ? "told" : "plain"}`;

// "holds", "invented" or "silent" for each question.
export const outcomes = (variant, threshold) => variant.said.map((_, index) =>
  variant.silent[index] || variant.confidence[index] < threshold ? "silent" : variant.right[index] ? "holds" : "invented");

// Shares of all questions, and accuracy: of the answered ones (1 where nothing is said).
export function rates(found) {
  const count = (kind) => found.filter((one) => one === kind).length;
  const n = Math.max(1, found.length);
  const answered = found.length - count("silent");
  return { answered: answered / n, holds: count("holds") / n, invented: count("invented") / n,
    accuracy: answered ? count("holds") / answered : 1 };
}

// Where a confidence lies on an axis that is stretched near 0 and 1: from 0 (at .01) to 1 (at .99999), and back.
const LOW = Math.log(0.01 / 0.99), HIGH = Math.log(0.99999 / 0.00001);
export const place = (share) => Math.min(1, Math.max(0, (Math.log(share / (1 - share)) - LOW) / (HIGH - LOW)));
export const shareAt = (where) => where <= 0 ? 0 : 1 / (1 + Math.exp(-(LOW + where * (HIGH - LOW))));

// Marks that would lie on one another are put side by side: a lane (0, -1, 1, -2, 2, …) for each.
export function lanes(groups, confidence, width) {
  const seen = new Map();
  return groups.map((group, index) => {
    const spot = `${group}/${Math.round(place(confidence[index]) * (width / 9))}`;
    const lane = seen.get(spot) ?? 0;
    seen.set(spot, lane + 1);
    const step = Math.ceil((lane % 9) / 2);
    return lane % 2 ? -step : step;
  });
}

export const percent = (share) => `${Math.round(100 * share)} %`;
