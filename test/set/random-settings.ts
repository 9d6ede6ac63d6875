import type { SetFormat, SetValue } from '../../src/prepare/steps/set/index.js';
import type { Chance } from '../chance.js';

/** A file, and a value to set in it. `path` is where, name by name; `key` is how a step says it. */
export interface Setting {
  format: Extract<SetFormat, 'ini' | 'json' | 'toml' | 'yaml'>;
  before: string;
  key: string;
  path: string[];
  value: SetValue;
}

/** Texts that some reader takes for something else, where nobody quotes them. */
const TEXTS = [
  ...[
    '',
    'x',
    'two words',
    ' lead',
    'trail ',
    'yes',
    'No',
    'on',
    'OFF',
    'y',
    'n',
    'True',
    'tRue',
    'null',
    'Null',
    '~',
    '=',
    '<<',
  ],
  ...[
    '1',
    '+1',
    '-1',
    '010',
    '08',
    '0o17',
    '0x1F',
    '0b101',
    '1_000',
    '1e3',
    '1e-7',
    '1E+2',
    '.5',
    '5.',
    '1.',
    '.',
    '-',
    '--',
  ],
  ...[
    '.inf',
    '-.INF',
    '+.inf',
    '.nan',
    '12:30',
    '12:30:45',
    '190:20:30.15',
    '2024-01-02',
    '2024-01-02T10:00:00Z',
    '2001-1-1 1:1:1',
  ],
  ...[
    'a: b',
    'a:b',
    'a #b',
    '#x',
    '- x',
    '? x',
    '[x',
    '{x',
    '*x',
    '&x',
    '!x',
    '|',
    '>',
    '%x',
    '@x',
    '`x',
    "'x",
    '"x',
    "it's",
    '"q"',
  ],
  ...[
    'a,b',
    ']',
    '}',
    'key:',
    '::',
    '---',
    '...',
    '--- a',
    'a\\b',
    '\\',
    'a\tb',
    '\ta',
    'a\nb',
    'a\n',
    '\n',
    'a\r\nb',
    'a\rb',
    '\u0007',
  ],
  ...[
    '\u0085',
    'x\u2028y',
    'x\u2029',
    '\u00a0',
    '\ufeffx',
    'é',
    '😀',
    '\u007f',
    '\u009b',

    '%(x)s',
    '<x>',
    '&amp;',
    'x;y',
    'x ;y',
  ],
];
const NUMBERS = [
  0, -1, 7, 8080, 123456789012, 1.5, -0.25, 0.1, 1e-7, 1e21, -1.25e-9, 1e20, 5e-324, 1.7976931348623157e308,
];

export function randomSetting(chance: Chance): Setting {
  const format = chance.of(['yaml', 'yaml', 'yaml', 'json', 'toml', 'ini'] as const);
  const draft = {
    yaml: () => yamlFile(chance),
    json: () => jsonFile(chance),
    toml: () => tomlFile(chance),
    ini: () => iniFile(chance),
  }[format]();
  const isNew = chance.is(0.3);
  const path = [...chance.of(draft.paths)];
  if (isNew)
    path[path.length - 1] = format === 'ini' ? 'added' : chance.of(['added', ...TEXTS.filter((text) => text !== '')]);
  const text = chance.of(TEXTS);
  const value =
    format === 'ini'
      ? text
      : chance.is(0.6)
        ? text
        : chance.of<SetValue>([...NUMBERS, true, false, ...(format === 'toml' ? [] : [null])]);
  const key =
    format === 'ini'
      ? path.join('.')
      : path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.');
  return { format, before: draft.text, key, path, value };
}

interface Draft {
  text: string;
  /** Of what may be set. */
  paths: string[][];
}

const NAMES = ['a', 'b', 'port', 'host-name', 'x1', 'servers'];

const YAML_SCALARS = [
  'text',
  '8080',
  'true',
  '~',
  '',
  '1.5',
  '"q # x"',
  "'it''s'",
  '2024-01-02',
  '0x1F',
  '010',
  'yes',
  '12:30:45',
  '1e3',
  '1e-7',
  'two words',
  '!!str 5',
];

function yamlFile(chance: Chance): Draft {
  const eol = chance.is(0.15) ? '\r\n' : '\n';
  const paths: string[][] = [];
  const body = yamlMap(chance, 0, [], paths);
  const text = `${chance.of(['', '', '# head\n', '---\n', '\n'])}${body}${chance.of(['', '', '# end\n', '\n'])}`;
  return { text: (chance.is(0.1) ? text.trimEnd() : text).replaceAll('\n', eol), paths };
}

function yamlMap(chance: Chance, depth: number, at: string[], paths: string[][]): string {
  const indent = '  '.repeat(depth);
  const names = NAMES.filter(() => chance.is(0.5));
  if (names.length === 0) names.push('only');
  return names.map((name) => `${indent}${yamlMember(chance, name, depth, at, paths)}`).join('');
}

function yamlMember(chance: Chance, name: string, depth: number, at: string[], paths: string[][]): string {
  const path = [...at, name];
  const key = chance.of([name, name, `"${name}"`, `'${name}'`]);
  const inner = '  '.repeat(depth + 1);
  const comment = chance.of(['', '', ' # c']);
  const kind = chance.below(depth < 2 ? 9 : 5);
  switch (kind) {
    case 5:
      return `${key}:${comment}\n${yamlMap(chance, depth + 1, path, paths)}`;
    case 6:
      paths.push([...path, '0'], [...path, '1']);
      return `${key}:${comment}\n${inner}- ${chance.of(YAML_SCALARS)}\n${inner}- x${comment}\n`;
    case 7:
      paths.push([...path, 'k']);
      return `${key}: {k: ${chance.of(['1', 'x', '"y"'])}, z: [1, 'two']}${comment}\n`;
    case 8:
      paths.push(path);
      return `${key}: ${chance.of(['|', '|-', '>', '>-'])}\n${inner}some lines\n${inner}more\n`;
    default:
      paths.push(path);
      return `${key}: ${chance.of(YAML_SCALARS)}${comment}\n`;
  }
}

function jsonFile(chance: Chance): Draft {
  const paths: string[][] = [];
  const member = (name: string): [string, unknown] => {
    if (chance.is(0.3)) {
      paths.push([name, 'k'], [name, 'list', '0']);
      return [name, { k: chance.of<SetValue>([...TEXTS, ...NUMBERS]), list: [chance.of(TEXTS), 2] }];
    }
    paths.push([name]);
    return [name, chance.of<SetValue>([...TEXTS, ...NUMBERS, null, true])];
  };
  const names = [
    'only',
    ...NAMES.filter(() => chance.is(0.5)),
    ...(chance.is(0.2) ? [chance.of(['a b', 'é', 'q"x'])] : []),
  ];
  return { text: JSON.stringify(Object.fromEntries(names.map(member)), null, chance.of([0, 2, '\t'])), paths };
}

const TOML_SCALARS = ['"text"', "'lit'", '8080', 'true', '1.5', '1e3', '0x1F', '1_000', '"""a\nb"""', "'''x\ny'''"];

function tomlFile(chance: Chance): Draft {
  const paths: string[][] = [];
  const lines = ['# head', ...members(['only', 'port'], [])];
  for (const table of ['a', 'b', 'x1'].filter(() => chance.is(0.6)))
    lines.push('', `[${table}]`, ...members(['host', 'x'], [table]));
  return { text: `${lines.join('\n')}\n`, paths };

  function members(names: string[], at: string[]): string[] {
    return names.map((name) => {
      if (chance.is(0.2)) {
        paths.push([...at, name, 'k']);
        return `${name} = {k = ${chance.of(['1', '"x"'])}, z = [1, 2]} # c`;
      }
      paths.push([...at, name]);
      return `${name} = ${chance.of(TOML_SCALARS)}${chance.of(['', ' # c'])}`;
    });
  }
}

function iniFile(chance: Chance): Draft {
  const paths: string[][] = [];
  const sections = ['main', 'mysqld', 'other'].filter((name) => name === 'main' || chance.is(0.6));
  const text = sections.map((section) => {
    const names = ['port', 'host', 'path'].filter((name) => name === 'port' || chance.is(0.6));
    paths.push(...names.map((name) => [section, name]));
    return [
      `[${section}]`,
      ...names.map((name) => `${name}${chance.of(['=', ' = ', ': '])}${chance.of(['1', 'x y', '/a/b', ''])}`),
      chance.of(['', '# c', '; c']),
    ].join('\n');
  });
  return { text: `${text.join('\n')}\n`, paths };
}
