import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../prestage.js';
import { LineProgram } from './line-program.js';
import { type Tree, treeIn } from './tree-in.js';

export type Format = 'tar' | 'zip' | 'cpio' | 'ar' | 'deb';

/** Another program that unpacks archives. */
export interface Reader {
  name: string;
  formats: readonly Format[];
  /** Unpacks a file into an empty folder. @returns whether the program says that all went well */
  unpack(file: string, format: Format, folder: string): boolean | Promise<boolean>;
}

/** Python's own modules, ready to be asked, until they are stopped. */
export function startPython(): { reader: Reader; stop(): void } {
  const program = new LineProgram(pythonItself(), [join(repository, 'test/readers/reader.py')]);
  return { reader: askedOf('python', program, 'tar', 'zip'), stop: () => program.stop() };
}

function askedOf(name: string, program: LineProgram, ...formats: Format[]): Reader {
  const unpack: Reader['unpack'] = async (file, format, folder) =>
    (await program.ask([format, file, folder].join('\t'))) === 'ok';
  return { name, formats, unpack };
}

/** The readers that people use, ready to be asked, until they are stopped. */
export function startReaders(): { readers: readonly Reader[]; stop(): void } {
  const built = mkdtempSync(join(tmpdir(), 'prestage-readers-'));
  const sources = join(repository, 'test/readers');
  execFileSync('go', ['build', '-o', join(built, 'reader'), join(sources, 'reader.go')], { stdio: 'pipe' });
  execFileSync('javac', ['-d', built, join(sources, 'Reader.java')], { stdio: 'pipe' });
  const python = startPython();
  const go = new LineProgram(join(built, 'reader'), []);
  const jdk = new LineProgram('java', ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', built, 'Reader']);
  return {
    readers: [...PROGRAMS, python.reader, askedOf('go', go, 'tar', 'zip'), askedOf('jdk', jdk, 'zip')],
    stop() {
      for (const program of [python, go, jdk]) program.stop();
      rmSync(built, { recursive: true, force: true });
    },
  };
}

/** What a reader makes of an archive; undefined where it does not read it. */
export async function treeBy(reader: Reader, file: string, format: Format, within: string): Promise<Tree | undefined> {
  const folder = join(within, reader.name.replaceAll(' ', '-'));
  mkdirSync(folder);
  try {
    return (await reader.unpack(file, format, folder)) ? treeIn(folder) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Readers that are started for each archive. */
export const PROGRAMS: readonly Reader[] = [
  {
    name: 'GNU tar',
    formats: ['tar'],
    unpack: (file, _, folder) => runs('tar', ['-xf', file, '--no-same-owner'], folder),
  },
  {
    name: 'bsdtar',
    formats: ['tar', 'zip', 'cpio', 'ar'],
    unpack: (file, _, folder) => runs('bsdtar', ['-xf', file, '--no-same-owner'], folder),
  },
  {
    name: '7-Zip',
    formats: ['tar', 'zip', 'cpio', 'ar'],
    unpack: (file, format, folder) => runs('7zz', ['x', '-y', '-bso0', '-bsp0', '-bse0', `-t${format}`, file], folder),
  },
  {
    name: 'unzip',
    formats: ['zip'],
    // 1 says that something was odd, and that all was unpacked.
    unpack: (file, _, folder) => runs('unzip', ['-qq', '-o', file], folder, [0, 1]),
  },
  {
    name: 'GNU cpio',
    formats: ['cpio'],
    unpack: (file, _, folder) => runs('cpio', ['-idu', '--quiet', '--no-absolute-filenames'], folder, [0], file),
  },
  { name: 'GNU ar', formats: ['ar'], unpack: (file, _, folder) => runs('ar', ['x', file], folder) },
  { name: 'dpkg-deb', formats: ['deb'], unpack: (file, _, folder) => runs('dpkg-deb', ['-x', file, folder], folder) },
];

function runs(command: string, args: readonly string[], folder: string, fine = [0], input?: string): boolean {
  const stdin = input === undefined ? 'ignore' : openSync(input, 'r');
  try {
    const { status } = spawnSync(command, args, { cwd: folder, stdio: [stdin, 'ignore', 'ignore'], timeout: 20_000 });
    return fine.includes(status ?? -1);
  } finally {
    if (typeof stdin === 'number') closeSync(stdin);
  }
}

/** Not a shell script that looks for it. */
function pythonItself(): string {
  return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
}
