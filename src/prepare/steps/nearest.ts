/** The candidates most like `wanted`, best first: only those near enough to be what was meant. */
export function nearest(wanted: string, candidates: Iterable<string>, count = 3): string[] {
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
