import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Chance } from '../chance.js';
import { changedTree, driftedTree, type Files, randomTree, writeFiles } from './random-trees.js';

export interface PatchCase {
  patch: Buffer;
  strip: number;
  fuzz: number;
  files: Files;
  /** How it was made, for anyone who looks at a difference. */
  how: string;
}

/** A patch as a program makes it, as mail, editors and people then change it, and a tree to apply it to. */
export function randomCase(folder: string, chance: Chance): PatchCase {
  for (;;) {
    const made = attempt(folder, chance);
    if (made.patch.length > 0) return made;
  }
}

function attempt(folder: string, chance: Chance): PatchCase {
  const before = randomTree(chance);
  const after = changedTree(before, chance);
  const names = chance.of([
    ['old', 'new'],
    ['a', 'b'],
    ['a', 'b'],
    ['v1/src', 'v2/src'],
  ] as const);
  let { patch, how } = made(folder, before, after, names, chance);
  if (chance.is(0.15)) {
    const later = changedTree(after, chance);
    const second = made(folder, after, later, names, chance);
    patch += second.patch;
    how += `; then ${second.how}`;
  }
  for (let left = chance.of([0, 0, 0, 1, 1, 2]); left > 0; left -= 1) {
    const mangle = chance.of(MANGLES);
    how += `; ${mangle.name}`;
    patch = mangle(patch, chance);
  }
  const right = names[0].split('/').length;
  const strip = chance.is(0.8) ? right : chance.below(4);
  const drifted = driftedTree(before, chance);
  const isBelow = strip < right && chance.is(0.7);
  const files = isBelow ? below(chance.of(names), drifted) : drifted;
  return {
    patch: Buffer.from(patch, 'latin1'),
    strip,
    fuzz: chance.of([0, 0, 1, 2]),
    files,
    how: `${how}; -p${strip}`,
  };
}

function below(folder: string, files: Files): Files {
  const parents = folder.split('/').map((_, at, all) => all.slice(0, at + 1).join('/'));
  return new Map([
    ...parents.map((path) => [path, { type: 'dir' }] as const),
    ...[...files].map(([path, entry]) => [`${folder}/${path}`, entry] as const),
  ]);
}

function made(
  folder: string,
  before: Files,
  after: Files,
  [from, to]: readonly [string, string],
  chance: Chance,
): { patch: string; how: string } {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  writeFiles(join(folder, from), before);
  writeFiles(join(folder, to), after);
  const context = `-U${chance.below(4)}`;
  const commands: [string, string[]][] = [
    ['diff', ['-r', '-N', context]],
    ['diff', ['-r', '-N', context]],
    ['diff', ['-r', '-N', '--no-dereference', context]],
    ['git', ['diff', '--no-index', '--no-color', '--no-prefix', context, '-M20', '-C20', '--find-copies-harder']],
    ['git', ['diff', '--no-index', '--no-color', '--no-prefix', context, '--no-renames']],
    [
      'git',
      [
        'diff',
        '--no-index',
        '--no-color',
        '--no-prefix',
        context,
        ...chance.of([['--binary'], ['--full-index'], ['-D']]),
      ],
    ],
  ];
  const other: [string, string[]][] = [
    ['diff', ['-r', '-N', '-c']],
    ['diff', ['-r', '-N']],
    ['diff', ['-r', '-N', '-e']],
  ];
  const [command, options] = chance.of(chance.is(0.95) ? commands : other);
  // Copies are always of the same moment: their times are seen only in `diff`'s headers.
  const { stdout } = spawnSync(command, [...options, from, to], {
    cwd: folder,
    encoding: 'latin1',
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
  });
  return { patch: stdout, how: [command, ...options].join(' ') };
}

type Mangle = (patch: string, chance: Chance) => string;

const PROSE = [
  'A text about it.\n',
  'From: me <me@example.org>\nSubject: [PATCH] it\n\n---\n f | 2 +-\n\n',
  'Index: a/f\n===================================================================\n',
  '    @@ -1 +1 @@\n    -a\n    +b\n',
  'Like this:\n\n  --- a/f\n  +++ b/f\n  @@ -1 +1 @@\n  -a\n  +b\n\n',
  '2c2\n< two\n---\n> TWO\n',
  '1d\n',
  '3a\nmore\n.\n',
  '***************\n',
  '*** a/f\n--- b/f\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n',
  '@@ -1 +1 @@\n-a\n+b\n',
  'Only in a: g\n',
  '-- \n2.39.5\n',
];

const DATES = [
  '1970-01-01 00:00:00 +0000',
  'Thu Jan  1 00:00:00 1970',
  'Thu Jan  1 01:00:00 1970',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  '1970-01-01',
  '1969-12-31 23:00:00',
  '(revision 7)',
  '2024-02-30 10:00:00',
  'Sat Nov 21 10:20:30 2015',
];

const MANGLES: Mangle[] = [
  function addProse(patch, chance) {
    const parts = partsOf(patch);
    parts.splice(chance.below(parts.length + 1), 0, chance.of(PROSE));
    return parts.join('');
  },
  function addProseBefore(patch, chance) {
    return chance.of(PROSE) + patch;
  },
  function changeDates(patch, chance) {
    return patch.replace(/^((?:---|\+\+\+) [^\t\n]*)\t.*$/gm, (line, name) =>
      chance.is(0.5) ? `${name}\t${chance.of(DATES)}` : line,
    );
  },
  function dropTabs(patch) {
    return patch.replace(/^((?:---|\+\+\+) [^\t\n]*)\t$/gm, '$1');
  },
  function toCrlf(patch) {
    return patch.replace(/^((?:---|\+\+\+|diff|index|rename|new|old|deleted) .*)\r$/gm, '$1').replace(/\n/g, '\r\n');
  },
  function headersToCrlf(patch) {
    return patch.replace(/^((?:---|\+\+\+|diff|index|rename|new|old|deleted) .*[^\r\n])$/gm, '$1\r');
  },
  function indent(patch, chance) {
    const by = chance.of(['  ', '\t', ' X']);
    return patch.replace(/^(?=.|\n)/gm, by).replace(new RegExp(`${by}$`), '');
  },
  function dropGitLines(patch, chance) {
    const kind = chance.of([
      /^diff --git .*\n/gm,
      /^index .*\n/gm,
      /^(?:new|deleted) file mode .*\n/gm,
      /^--- .*\n/gm,
      /^\+\+\+ .*\n/gm,
      /^diff .*\n/gm,
    ]);
    return patch.replace(kind, '');
  },
  function renameInGitLine(patch, chance) {
    return patch.replace(/^diff --git (\S+) (\S+)$/gm, (line, a, b) =>
      chance.is(0.5)
        ? line
        : chance.of([
            `diff --git ${a}x ${b}`,
            `diff --git ${a} ${b}x`,
            `diff --git x/${a} x/${b}`,
            `diff --git ${b} ${a}`,
          ]),
    );
  },
  function renameInHeader(patch, chance) {
    return patch.replace(/^(---|\+\+\+) ([^/\n]+)\/([^\t\n]*)/gm, (line, kind, first, rest) =>
      chance.is(0.6)
        ? line
        : `${kind} ${chance.of([`x/${first}/${rest}`, `${rest}`, `${first}//${rest}`, `./${first}/${rest}`, `${first}/${rest}.orig`, '/dev/null'])}`,
    );
  },
  function quoteNames(patch, chance) {
    return patch.replace(/^(---|\+\+\+) ([^"\t\n]+)(\t.*)?$/gm, (line, kind, name) =>
      chance.is(0.5) ? line : `${kind} "${name}"`,
    );
  },
  function cut(patch, chance) {
    return patch.slice(0, chance.below(patch.length + 1));
  },
  function cutLastEmptyLines(patch) {
    return patch.replace(/(?:^ ?\n)+$/m, '');
  },
  function stripTrailingBlanks(patch) {
    return patch.replace(/[ \t]+$/gm, '');
  },
  function damageLine(patch, chance) {
    const lines = patch.split('\n');
    lines.splice(
      chance.below(lines.length),
      chance.below(2),
      ...chance.of([[], [''], ['x'], ['@@ -1 +1 @@'], ['\\ No newline at end of file']]),
    );
    return lines.join('\n');
  },
  function swapParts(patch, chance) {
    const parts = partsOf(patch);
    const [one] = parts.splice(chance.below(parts.length), 1);
    return one === undefined ? patch : [...parts, one].join('');
  },
  function repeatPart(patch, chance) {
    return patch + (chance.of(partsOf(patch)) ?? '');
  },
  function asSubversion(patch) {
    return patch.replace(
      /^diff .*\n--- ([^\t\n]+)/gm,
      (_, name) => `Index: ${name}\n===================================================================\n--- ${name}`,
    );
  },
  function addByteOrderMark(patch) {
    return `\xef\xbb\xbf${patch}`;
  },
];

function partsOf(patch: string): string[] {
  return patch.split(/^(?=diff )/m);
}
