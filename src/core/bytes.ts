const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/**
 * Bytes as people read them: `0 B`, `999 B`, `1.7 GiB`, `48 MiB`. Binary units everywhere, as the configuration takes
 * them and as AWS sells disks. Always English, so that output is the same on every machine.
 */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would be rounded to 1024 of a unit.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A whole number as `1,204`. `toLocaleString` reads the data of its locale first, which takes 14 ms: a tenth of a small command. */
export function formatNumber(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
