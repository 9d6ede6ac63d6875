/**
 * One key for all spellings that a file system which ignores case or Unicode normalisation (macOS, Windows, a share of
 * theirs) takes for the same name.
 */
export function foldedPath(path: string): string {
  if (/^[\0-\x7f]*$/.test(path)) return path.toLowerCase();
  // Upper case first: it makes `ß` the `SS` that APFS takes it for (node-tar's CVE-2026-23950).
  return path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}
