const INTERVAL_MS = 250;

/** Whether it is time to tell again how far something is: at most four times a second, and not at once. */
export function paced(): () => boolean {
  let told = performance.now();
  return () => {
    const now = performance.now();
    if (now - told < INTERVAL_MS) return false;
    told = now;
    return true;
  };
}
