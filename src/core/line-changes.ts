/** Beyond this many lines that differ, the search for the shortest way ends: what is left is removed and added as a whole. */
const MAX_DIFFERENCES = 1000;

/** Which lines of two texts are not in the other, by their numbers from 0. */
export interface LineChanges {
  removed: Set<number>;
  added: Set<number>;
}

/**
 * The fewest lines to remove and to add that make one text the other (E. Myers, "An O(ND) difference algorithm and its
 * variations", 1986). Time and memory grow with what differs, not with how long the texts are.
 */
export function lineChanges(before: readonly string[], after: readonly string[]): LineChanges {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const middle = {
    old: before.slice(start, before.length - end),
    now: after.slice(start, after.length - end),
  };
  const { removed, added } = shortestWay(middle.old, middle.now);
  const moved = (lines: Iterable<number>) => new Set([...lines].map((line) => line + start));
  return { removed: moved(removed), added: moved(added) };
}

function shortestWay(old: readonly string[], now: readonly string[]): { removed: number[]; added: number[] } {
  const trace: Int32Array[] = [];
  const limit = Math.min(old.length + now.length, MAX_DIFFERENCES);
  /** For each diagonal (lines of `old` less lines of `now`), how far in `old` one gets. */
  let reach = new Int32Array(3);
  for (let differences = 0; differences <= limit; differences++) {
    trace.push(reach);
    const next = new Int32Array(2 * differences + 5);
    for (let diagonal = -differences; diagonal <= differences; diagonal += 2) {
      const from = previousDiagonal(reach, diagonal, differences);
      let x = differences === 0 ? 0 : at(reach, from, differences - 1) + (from < diagonal ? 1 : 0);
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++;
      next[diagonal + differences + 1] = x;
      if (x >= old.length && x - diagonal >= now.length) return wayBack(trace, old.length, now.length);
    }
    reach = next;
  }
  return { removed: [...old.keys()], added: [...now.keys()] };
}

/** How far one gets on a diagonal with this many differences; -1 on those that nobody reaches. */
function at(reach: Int32Array, diagonal: number, differences: number): number {
  return Math.abs(diagonal) > differences ? -1 : (reach[diagonal + differences + 1] ?? -1);
}

/** The neighbour from which one comes to a diagonal: by a line added from the one above, by one removed from the one below. */
function previousDiagonal(reach: Int32Array, diagonal: number, differences: number): number {
  const [below, above] = [at(reach, diagonal - 1, differences - 1), at(reach, diagonal + 1, differences - 1)];
  return diagonal === -differences || (diagonal !== differences && below < above) ? diagonal + 1 : diagonal - 1;
}

function wayBack(trace: readonly Int32Array[], oldLength: number, nowLength: number) {
  const removed: number[] = [];
  const added: number[] = [];
  let [x, y] = [oldLength, nowLength];
  for (let differences = trace.length - 1; differences > 0; differences--) {
    const reach = trace[differences] ?? new Int32Array();
    const diagonal = x - y;
    const from = previousDiagonal(reach, diagonal, differences);
    x = at(reach, from, differences - 1);
    y = x - from;
    if (from < diagonal) removed.push(x);
    else added.push(y);
  }
  return { removed, added };
}
