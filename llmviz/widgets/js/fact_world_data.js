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

// Marks that would lie on one another are put side by side: a lane (0, -1, 1, -2, 2) for each.
export function lanes(groups, confidence, width) {
  const seen = new Map();
  return groups.map((group, index) => {
    const place = `${group}/${Math.round(confidence[index] * (width / 9))}`;
    const lane = seen.get(place) ?? 0;
    seen.set(place, lane + 1);
    const step = Math.ceil((lane % 5) / 2);
    return lane % 2 ? -step : step;
  });
}

export const percent = (share) => `${Math.round(100 * share)} %`;
