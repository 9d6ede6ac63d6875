import { posix } from 'node:path';
import type { OldChange } from './old-work.js';
import { substitution } from './sed.js';
import type { ShellCommand } from './shell-commands.js';

interface Reading extends ShellCommand {
  args: string[];
  place(path: string): string;
}

/** What a command changes; undefined where nobody here knows it. Nothing where it only looks. */
export function readCommand(command: ShellCommand, place: (path: string) => string): OldChange[] | undefined {
  const [name = '', ...args] = command.words;
  const reader = READERS[posix.basename(name)];
  return reader?.({ ...command, args, place });
}

const READERS: Record<string, (reading: Reading) => OldChange[] | undefined> = {
  unzip: ({ args, place }) => {
    if (args.some((arg) => /^-[a-z]*[ltpz]/.test(arg))) return [];
    const to = valueAfter(args, '-d');
    const [archive] = plainArgs(args, ['-d', '-x']);
    return archive === undefined ? unknown(args, place) : [{ kind: 'unpack', archive, to: place(to ?? '.'), strip: 0 }];
  },
  tar: ({ args, place, from }) => {
    const extracts = /^-?[a-zA-Z]*x/.test(args[0] ?? '') || args.includes('--extract');
    if (!extracts) return [];
    const archive = [...args.slice(1), ...(from?.words ?? [])].find((arg) => ARCHIVE.test(arg));
    const to =
      valueAfter(args, '-C') ?? args.find((arg) => arg.startsWith('--directory='))?.slice('--directory='.length);
    const strip = Number(args.find((arg) => arg.startsWith('--strip'))?.split('=')[1] ?? 0);
    return archive === undefined ? unknown(args, place) : [{ kind: 'unpack', archive, to: place(to ?? '.'), strip }];
  },
  sed: ({ args, place }) => {
    if (!args.some((arg) => /^-\w*i|^--in-place/.test(arg))) return [];
    const extended = args.some((arg) => /^-\w*[Er]/.test(arg) && !arg.startsWith('-i'));
    const scripts = args.flatMap((arg, index) => (args[index - 1] === '-e' ? [arg] : []));
    const [first, ...rest] = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-e');
    const files = (scripts.length > 0 ? [first, ...rest] : rest).flatMap((file) => (file ? [place(file)] : []));
    return (scripts.length > 0 ? scripts : [first ?? '']).flatMap((script) => substituted(script, { extended, files }));
  },
  cp: ({ args, place }) => {
    const paths = plainArgs(args, []);
    const to = paths.pop();
    if (to === undefined || paths.length === 0) return unknown(args, place);
    const folder = to.endsWith('/') || paths.length > 1 ? '/' : '';
    return paths.map((file) => ({
      kind: 'copy',
      file: file.replace(/\/[.*]$/, ''),
      from: place(file.replace(/\/[.*]$/, '')),
      to: `${place(to)}${folder}`,
      // `cp -r x/. y` puts what is in x into y, `cp -r x y` mostly the folder itself.
      isWhole: /\/[.*]$/.test(file),
    }));
  },
  patch: ({ args, input, place }) => {
    const file = input ?? valueAfter(args, '-i');
    const strip = Number(/^-p(\d)$/.exec(args.find((arg) => /^-p\d$/.test(arg)) ?? '')?.[1] ?? Number.NaN);
    if (file === undefined || Number.isNaN(strip)) return unknown([...args, '.'], place);
    return [{ kind: 'patch', file, folder: place(valueAfter(args, '-d') ?? '.'), strip }];
  },
  chmod: ({ args, place }) => {
    const [mode = '', ...files] = args.filter((arg) => !arg.startsWith('-'));
    const octal = /^[augo]*\+r?x$/.test(mode) ? '755' : /^0?([0-7]{3})$/.exec(mode)?.[1];
    if (octal === undefined || files.length === 0) return unknown(args, place);
    const inside = args.some((arg) => /^-\w*R|^--recursive$/.test(arg)) ? '/**' : '';
    return files.map((file) => ({ kind: 'chmod', file: `${place(file)}${inside}`, mode: octal }));
  },
  rm: ({ args, place }) => plainArgs(args, []).map((file) => ({ kind: 'remove', file: place(file) })),
  find: (reading) => {
    const { args } = reading;
    const at = args.findIndex((arg) => /^-exec(dir)?$/.test(arg));
    if (at < 0) return args.includes('-delete') ? unknown(args, reading.place) : [];
    const words = args.slice(at + 1).filter((word) => word !== ';' && word !== '+');
    return onFound(words, args.slice(0, at), reading);
  },
  xargs: (reading) => {
    const { args, from, place } = reading;
    if (from?.words[0] !== 'find') return unknown(args, place);
    const words = plainStart(args);
    return onFound(words.includes('{}') ? words : [...words, '{}'], from.words.slice(1), reading);
  },
  aws: ({ args, place }) => {
    const [service, verb, ...rest] = args;
    if (service !== 's3' || !/^(cp|sync|mv)$/.test(verb ?? '')) return [];
    return transferred(
      plainArgs(rest, ['--exclude', '--include', '--region', '--profile', '--acl', '--sse', '--storage-class']),
      place,
    );
  },
  curl: ({ args, place }) => downloads(args, valueAfter(args, '-o'), place),
  wget: ({ args, place }) => downloads(args, valueAfter(args, '-O'), place),
};

const ARCHIVE = /\.(tar|tgz|txz|t?[gx]z|bz2|zst)(\.\w+)?$/;

function unknown(paths: readonly string[], place: (path: string) => string): OldChange[] {
  return [{ kind: 'unknown', paths: paths.map(place) }];
}

function substituted(
  script: string,
  { extended, files }: { extended: boolean; files: readonly string[] },
): OldChange[] {
  // A variable that nothing here sets has its value on the machine alone.
  const change = /\$[{(]|`/.test(script) ? undefined : substitution(script, extended);
  if (change === undefined || files.length === 0) return [{ kind: 'unknown', paths: [...files] }];
  const { from, to, regex, firstOnly } = change;
  return [{ kind: 'replace', files: [...files], search: from, to, regex, firstOnly }];
}

/** `find x -name '*.sh'`, with a command for what it finds: as if the command had been given a pattern. */
function onFound(words: readonly string[], looking: readonly string[], reading: Reading): OldChange[] | undefined {
  const options = looking.findIndex((arg) => arg.startsWith('-'));
  const folders = options < 0 ? looking : looking.slice(0, options);
  const name = valueAfter([...looking], '-name');
  const rest = looking.slice(folders.length).filter((arg, at, all) => arg !== '-name' && all[at - 1] !== '-name');
  const isPlain =
    rest
      .join(' ')
      .replace(/-type f|-print0?/g, '')
      .trim() === '';
  const files = folders.map((folder) => `${folder}/**/${name ?? '*'}`);
  if (!isPlain || files.length === 0) return unknown(folders, reading.place);
  const { place, line, text } = reading;
  return readCommand({ words: words.flatMap((word) => (word === '{}' ? files : [word])), line, text }, place);
}

/** Without the options of xargs itself. */
function plainStart(args: readonly string[]): string[] {
  const withValue = /^-[InPLds]$/;
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && !withValue.test(args[index - 1] ?? ''));
  return at < 0 ? [] : args.slice(at);
}

function transferred([from = '', to = '']: readonly string[], place: (path: string) => string): OldChange[] {
  if (to.startsWith('s3://')) return [{ kind: 'upload', file: from }];
  if (!from.startsWith('s3://')) return [];
  const folder = to.endsWith('/') ? '/' : '';
  const download: OldChange = { kind: 'download', url: from };
  return from.endsWith('/')
    ? [download]
    : [download, { kind: 'copy', file: from, from: '', to: `${place(to)}${folder}`, isWhole: false }];
}

function downloads(args: readonly string[], to: string | undefined, place: (path: string) => string): OldChange[] {
  const url = args.find((arg) => /^https?:\/\//.test(arg));
  const written = to === undefined || to === '-' ? [] : unknown([to], place);
  return url === undefined ? written : [{ kind: 'download', url }, ...written];
}

function valueAfter(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

function plainArgs(args: readonly string[], withValue: readonly string[]): string[] {
  return args.filter((arg, index) => !arg.startsWith('-') && !withValue.includes(args[index - 1] ?? ''));
}
