import { posix } from 'node:path';
import { substitution } from './sed.js';
import { type ShellCommand, shellCommands } from './shell-commands.js';

/** A change to files that an older script makes. Paths are where the script has them, without the mount point. */
export type OldWork =
  | { kind: 'unpack'; archive: string; to: string; strip: number; at: string }
  | { kind: 'replace'; file: string; search: string; to: string; regex: boolean; at: string }
  | { kind: 'copy'; file: string; to: string; at: string }
  | { kind: 'patch'; file: string; folder: string; strip: number; at: string }
  | { kind: 'chmod'; file: string; mode: string; at: string }
  | { kind: 'remove'; file: string; at: string }
  /** A line that may change files, and is none of these. */
  | { kind: 'unknown'; text: string; at: string };

export interface OldScript {
  path: string;
  text: string;
  /** The line that the text begins on, from 1: it may stand inside of another file. */
  line: number;
}

/** Shell in Terraform's files: `<<-EOF … EOF`. */
export function heredocs(path: string, text: string): OldScript[] {
  return [...text.matchAll(/<<[-~]?"?(\w+)"?[ \t]*\r?\n([\s\S]*?)\n[ \t]*\1\b/g)].map((found) => ({
    path,
    text: found[2] ?? '',
    line: text.slice(0, found.index).split('\n').length + 1,
  }));
}

/** What a script does to files: unpacking, `sed -i`, `cp`, `patch`, `chmod`, `rm`. Pure. */
export function oldWork({ path, text, line }: OldScript, variables: ReadonlyMap<string, string>): OldWork[] {
  let folder = '';
  return shellCommands(text, variables).flatMap((command) => {
    const [name = '', ...args] = command.words;
    const at = `${path}:${command.line + line - 1}`;
    if (name === 'cd') {
      folder = args[0] ?? '';
      return [];
    }
    const reader = READERS[posix.basename(name)];
    return reader === undefined ? [] : reader({ ...command, args, place: (file) => placed(file, folder), at });
  });
}

interface Reading extends ShellCommand {
  args: string[];
  place(path: string): string;
  at: string;
}

const READERS: Record<string, (reading: Reading) => OldWork[]> = {
  unzip: ({ args, place, at, text }) => {
    const to = valueAfter(args, '-d');
    const [archive] = plainArgs(args, ['-d', '-x']);
    return archive === undefined
      ? [unknown(text, at)]
      : [{ kind: 'unpack', archive, to: place(to ?? '.'), strip: 0, at }];
  },
  tar: ({ args, place, at, text }) => {
    const extracts = /^-?[a-zA-Z]*x/.test(args[0] ?? '') || args.includes('--extract');
    if (!extracts) return [];
    const archive = args.find((arg, index) => index > 0 && /\.(tar|tgz|txz|t?[gx]z|bz2|zst)(\.\w+)?$/.test(arg));
    const to =
      valueAfter(args, '-C') ?? args.find((arg) => arg.startsWith('--directory='))?.slice('--directory='.length);
    const strip = Number(args.find((arg) => arg.startsWith('--strip'))?.split('=')[1] ?? 0);
    return archive === undefined ? [unknown(text, at)] : [{ kind: 'unpack', archive, to: place(to ?? '.'), strip, at }];
  },
  sed: ({ args, place, at, text }) => {
    if (!args.some((arg) => /^-\w*i|^--in-place/.test(arg))) return [];
    const extended = args.some((arg) => /^-\w*[Er]/.test(arg) && !arg.startsWith('-i'));
    const scripts = args.flatMap((arg, index) => (args[index - 1] === '-e' ? [arg] : []));
    const [first, ...rest] = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-e');
    const files = scripts.length > 0 ? [first, ...rest] : rest;
    const found = (scripts.length > 0 ? scripts : [first ?? '']).map((script) => substitution(script, extended));
    if (files.length === 0) return [unknown(text, at)];
    return found.flatMap((change) =>
      change === undefined
        ? [unknown(text, at)]
        : files.map((file): OldWork => {
            const { from, to, regex } = change;
            return { kind: 'replace', file: place(file ?? ''), search: from, to, regex, at };
          }),
    );
  },
  cp: ({ args, place, at, text }) => {
    const paths = plainArgs(args, []);
    const [file, to] = paths;
    if (file === undefined || to === undefined || paths.length > 2) return [unknown(text, at)];
    return [{ kind: 'copy', file, to: to.endsWith('/') ? `${place(to)}/` : place(to), at }];
  },
  patch: ({ args, input, place, at, text }) => {
    const file = input ?? valueAfter(args, '-i');
    const strip = Number(/^-p(\d)$/.exec(args.find((arg) => /^-p\d$/.test(arg)) ?? '')?.[1] ?? Number.NaN);
    if (file === undefined || Number.isNaN(strip)) return [unknown(text, at)];
    return [{ kind: 'patch', file, folder: place(valueAfter(args, '-d') ?? '.'), strip, at }];
  },
  chmod: ({ args, place, at, text }) => {
    const [mode = '', ...files] = args.filter((arg) => !arg.startsWith('-'));
    const octal = /^\+x$|^a\+x$/.test(mode) ? '755' : /^0?([0-7]{3})$/.exec(mode)?.[1];
    if (octal === undefined || files.length === 0 || args.includes('-R')) return [unknown(text, at)];
    return files.map((file): OldWork => ({ kind: 'chmod', file: place(file), mode: octal, at }));
  },
  rm: ({ args, place, at }) => plainArgs(args, []).map((file): OldWork => ({ kind: 'remove', file: place(file), at })),
};

function unknown(text: string, at: string): OldWork {
  return { kind: 'unknown', text, at };
}

function valueAfter(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

function plainArgs(args: readonly string[], withValue: readonly string[]): string[] {
  return args.filter((arg, index) => !arg.startsWith('-') && !withValue.includes(args[index - 1] ?? ''));
}

/** Without where the file system is mounted: `/mnt/efs/opt/x`, `/efs/opt/x` and `${MOUNT}/opt/x` are `opt/x`. */
function placed(path: string, folder: string): string {
  const isRooted = path.startsWith('/') || path.startsWith('${');
  const whole = posix.normalize(isRooted ? path : posix.join(folder, path));
  return whole
    .replace(/^\/mnt\/[^/]+(\/|$)|^\/efs(\/|$)|^\$\{\w+\}(\/|$)/, '')
    .replace(/^\/+/, '')
    .replace(/\/+$/, '');
}
