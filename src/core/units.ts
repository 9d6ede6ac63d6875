import { formatNumber } from './bytes.js';

/** Numbers as people read them. Always English, so that output is the same on every machine. */

/** `12 ms`, `1.4 s`, `48 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${two(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

const two = (value: number) => String(value).padStart(2, '0');

/** `1,204 files`, `1 file`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatNumber(count)} ${count === 1 ? singular : plural}`;
}

/** `644`: a mode as people write it. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}

/** `48%`; never 100% before the end, never above. */
export function formatPercent(part: number, whole: number): string {
  if (whole <= 0 || part >= whole) return '100%';
  return `${Math.min(99, Math.floor((part / whole) * 100))}%`;
}

/** ISO 8601 without what nobody reads: `2026-11-24 02:11:14Z`. */
export function formatTime(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}
