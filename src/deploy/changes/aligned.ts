interface Item<T> {
  item: T;
  index: number;
}

export interface Pair<T> {
  old?: Item<T>;
  now?: Item<T>;
}

/** Above this, lists are compared place by place: the table would be too large. */
const MAX_CELLS = 1_000_000;

/**
 * What differs between two lists, in order, by their longest common subsequence: what is the same is left out; what was
 * changed, as a pair of what is alike; else what was removed or added, alone.
 */
export function aligned<T>(
  before: readonly T[],
  after: readonly T[],
  { same, alike }: { same: (a: T, b: T) => boolean; alike: (a: T, b: T) => boolean },
): Pair<T>[] {
  const pairs: Pair<T>[] = [];
  let removed: Item<T>[] = [];
  let added: Item<T>[] = [];
  const flush = () => {
    pairs.push(...paired(removed, added, alike));
    removed = [];
    added = [];
  };
  const length = commonLengths(before, after, same);
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, now] = [before[i], after[j]];
    if (i < before.length && j < after.length && same(old as T, now as T)) {
      flush();
      i++;
      j++;
    } else if (j >= after.length || (i < before.length && length(i + 1, j) >= length(i, j + 1)))
      removed.push({ item: old as T, index: i++ });
    else added.push({ item: now as T, index: j++ });
  }
  flush();
  return pairs;
}

/** How long the longest common subsequence is of what follows from `i` and from `j` on. */
function commonLengths<T>(before: readonly T[], after: readonly T[], same: (a: T, b: T) => boolean) {
  const width = after.length + 1;
  if ((before.length + 1) * width > MAX_CELLS) return () => 0;
  const table = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => table[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      table[i * width + j] = same(before[i] as T, after[j] as T)
        ? at(i + 1, j + 1) + 1
        : Math.max(at(i + 1, j), at(i, j + 1));
  return at;
}

function paired<T>(removed: readonly Item<T>[], added: readonly Item<T>[], alike: (a: T, b: T) => boolean): Pair<T>[] {
  const left = [...added];
  const pairs = removed.map((old): Pair<T> => {
    const at = left.findIndex((now) => alike(old.item, now.item));
    const [now] = at < 0 ? [] : left.splice(at, 1);
    return now === undefined ? { old } : { old, now };
  });
  return [...pairs, ...left.map((now): Pair<T> => ({ now }))];
}
