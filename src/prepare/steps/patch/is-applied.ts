import { applyHunks } from './apply-hunks.js';
import type { FilePatch, Hunk } from './model.js';

/** Whether a file is as a part would make it: its hunks, turned round, all apply without fuzz. */
export function isApplied(part: FilePatch, lines: readonly string[], exists: boolean): boolean {
  if (part.new === 'missing') return !exists;
  if (!exists || part.hunks.length === 0 || part.moves) return false;
  const [only] = part.hunks;
  if (part.old === 'missing' && only) return after(only).join('') === lines.join('');
  return !('refused' in applyHunks(part.hunks.map(reversed), lines, 0));
}

function after(hunk: Hunk): string[] {
  return hunk.lines.filter(({ kind }) => kind !== '-').map(({ text }) => text);
}

/** The hunk that takes back what this one does. */
export function reversed(hunk: Hunk): Hunk {
  const opposite = { ' ': ' ', '-': '+', '+': '-' } as const;
  return { ...hunk, before: after(hunk), lines: hunk.lines.map(({ kind, text }) => ({ kind: opposite[kind], text })) };
}
