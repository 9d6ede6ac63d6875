/** How Prestage is called again by who called it now: with npm or npx around it, it is likely on no PATH. */
export function invocation(env: Readonly<Record<string, string | undefined>>): string {
  return env.npm_execpath || env.npm_command || env.npm_lifecycle_event ? 'npx prestage' : 'prestage';
}

/** A word of a command line as a shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
