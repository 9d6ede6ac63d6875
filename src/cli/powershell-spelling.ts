/** Names that PowerShell users know and that are not a flag's own name. Compared without case. */
const ALIASES: Readonly<Record<string, string>> = {
  testphase1only: '--phase1-only',
  testphase2only: '--phase2-only',
  testfulldeployment: '--full-deployment',
  environment: '--env',
  '?': '--help',
};

/**
 * Rewrites flags as PowerShell spells them (`-PrepareFilesOnly`, `-env dev`, `-Env:dev`, `-Json:$true`) to their long
 * form; PowerShell does not care for case. Short flags, values and what follows `--` stay as they are.
 * @param flags all long flags that there are, such as `--prepare-files-only`
 */
export function normalizeArguments(args: readonly string[], flags: readonly string[]): string[] {
  const byName = new Map(flags.map((flag) => [flag.replaceAll('-', '').toLowerCase(), flag]));
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return [...args.slice(0, end).flatMap((arg) => normalizeArgument(arg, byName)), ...args.slice(end)];
}

function normalizeArgument(arg: string, byName: ReadonlyMap<string, string>): string[] {
  const [, name = '', colon, value = ''] = /^-(\?|[A-Za-z][A-Za-z0-9]+)(:?)(.*)$/s.exec(arg) ?? [];
  if (name === '' || (colon === '' && value !== '')) return [arg];
  const flag = ALIASES[name.toLowerCase()] ?? byName.get(name.toLowerCase());
  if (flag === undefined) return [misspelt(arg, name)];
  if (colon === '') return [flag];
  if (/^\$?true$/i.test(value)) return [flag];
  if (/^\$?false$/i.test(value)) return [];
  // PowerShell hands `-Env: dev` over as two arguments.
  return value === '' ? [flag] : [`${flag}=${value}`];
}

/** In its long form, so that the nearest flag can be named. `-vq` and the like are short flags, and not touched. */
function misspelt(arg: string, name: string): string {
  if (!/^[A-Z][A-Za-z0-9]{2,}$/.test(name)) return arg;
  return `--${name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()}${arg.slice(name.length + 1)}`;
}
