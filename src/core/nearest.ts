/** The name that a misspelt one most likely means, or undefined where none is near enough to suggest. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length * 0.4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(replaced, at(last, j) + 1, at(row, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(beforeLast, j - 2) + 1);
      row.push(least);
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

/**
 * The longer texts (paths, keys, lines) most like `wanted`, best first: only those near enough to be what was meant. Words may be
 * left out or stand elsewhere, which an edit distance takes for another text.
 */
export function mostAlike(wanted: string, candidates: Iterable<string>, count = 3): string[] {
  const scored: { candidate: string; score: number }[] = [];
  const pairs = pairsOf(wanted);
  for (const candidate of candidates) {
    const score = likeness(pairs, pairsOf(candidate));
    if (score >= 0.4) scored.push({ candidate, score });
  }
  scored.sort((a, b) => b.score - a.score || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, count).map(({ candidate }) => candidate);
}

/** How alike two texts are, from 0 to 1: Dice's coefficient of their neighbouring characters. */
export function similarity(a: string, b: string): number {
  return likeness(pairsOf(a), pairsOf(b));
}

type Pairs = Map<string, number>;

function pairsOf(text: string): Pairs {
  const padded = ` ${text.toLowerCase()} `;
  const pairs: Pairs = new Map();
  for (let at = 0; at + 2 <= padded.length; at += 1) {
    const pair = padded.slice(at, at + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

function likeness(a: Pairs, b: Pairs): number {
  let [all, both] = [0, 0];
  for (const [pair, count] of a) {
    all += count;
    both += Math.min(count, b.get(pair) ?? 0);
  }
  for (const count of b.values()) all += count;
  return (2 * both) / all;
}
