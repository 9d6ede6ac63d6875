import { posix } from 'node:path';
import { readCommand } from './old-commands.js';
import type { OldChange, OldWork } from './old-work.js';
import { type ShellCommand, shellCommands } from './shell-commands.js';

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

/** Objects that Terraform uploads: `source = "${path.module}/files/x.zip"`. */
export function terraformUploads(path: string, text: string): OldWork[] {
  const blocks = text.matchAll(/resource\s+"aws_s3_(?:bucket_)?object"[^{]*\{[^}]*?\n\s*source\s*=\s*"(.*)"/g);
  return [...blocks].map((found) => ({
    kind: 'upload',
    file: found[1] ?? '',
    at: `${path}:${text.slice(0, found.index + found[0].length).split('\n').length}`,
    text: found[0].split('\n').at(-1)?.trim() ?? '',
  }));
}

/** What a script does to files: unpacking, `sed -i`, `cp`, `patch`, `chmod`, `rm`, and what is not understood. Pure. */
export function oldWork({ path, text, line }: OldScript, variables: ReadonlyMap<string, string>): OldWork[] {
  // In a template of Terraform, `$${x}` is the shell's `${x}`.
  const commands = shellCommands(text.replaceAll('$${', '${'), variables);
  const mounts = commands.flatMap(({ words }) => (words[0] === 'mount' ? words.slice(-1) : []));
  let folder = '';
  return commands.flatMap((command) => {
    const [name = '', ...args] = command.words;
    if (name === 'cd') {
      folder = args[0] ?? '';
      return [];
    }
    const place = (file: string) => placed(file, { folder, mounts });
    const told = { at: `${path}:${command.line + line - 1}`, text: command.text };
    return changesOf(command, place).map((change) => ({ ...change, ...told }));
  });
}

/** Commands that only look, or that are no business of prepared files. */
const LOOKS =
  /^(\[{1,2}|awk|cat|cmp|cut|df|diff|du|echo|exit|export|for|function|grep|head|ls|mkdir|mount|printf|pwd|return|set|sleep|source|stat|systemctl|tail|test|touch|umount|unset|wait|wc|which|while|until|case|done|fi|\.)$/;

function changesOf(command: ShellCommand, place: (path: string) => string): OldChange[] {
  const [name = '', ...args] = command.words;
  const known = readCommand(command, place);
  if (known !== undefined && (known.length > 0 || command.output === undefined)) return known;
  const written = command.output === undefined ? [] : [place(command.output)];
  if (written.length === 0 && (LOOKS.test(name) || /\(\)?$|^[\w-]+\(\)/.test(name))) return [];
  const paths = LOOKS.test(name) || known ? written : [...args.map(place), ...written];
  return paths.length === 0 ? [] : [{ kind: 'unknown', paths }];
}

/** Without where the file system is mounted: `/mnt/efs/opt/x`, `/efs/opt/x` and `${MOUNT}/opt/x` are `opt/x`. */
function placed(path: string, { folder, mounts }: { folder: string; mounts: readonly string[] }): string {
  const isRooted = path.startsWith('/') || path.startsWith('${');
  const whole = posix.normalize(isRooted ? path : posix.join(folder, path));
  const mount = mounts.find((each) => each.startsWith('/') && `${whole}/`.startsWith(`${each.replace(/\/+$/, '')}/`));
  const inside =
    mount === undefined
      ? whole.replace(/^\/mnt\/[^/]+(\/|$)|^\/efs(\/|$)|^\$\{\w+\}(\/|$)/, '')
      : whole.slice(mount.length);
  return inside.replace(/^\/+/, '').replace(/\/+$/, '');
}
