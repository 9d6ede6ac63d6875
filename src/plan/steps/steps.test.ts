import { describe, expect, test } from 'vitest';
import type * as z from 'zod';
import { sha256 } from '../../core/digest.js';
import { inputsOfStep, recipeStep, resolveStep, writtenStep } from './index.js';
import type { StepFiles } from './step-kind.js';

type Written = z.input<typeof writtenStep>;

/** What was asked for, and where below the steps of a package the configuration names it. */
let asked: string[];

/** Each path is a file whose content is its name; `two/series` stands for two patches, of which the second says `-p0`. */
const filesOf = (kind: string): StepFiles => ({
  async input(path, key) {
    asked.push([kind, ...key].join('.'));
    return path === 'missing' ? undefined : { kind: 'file', name: path, sha256: sha256(path) };
  },
  async patches(path, key) {
    asked.push([kind, ...key].join('.'));
    const patch = (name: string, strip?: number) => ({ name, sha256: sha256(name), strip });
    if (path === 'two/series') return [patch('first'), patch('second', 0)];
    return [path === 'empty' ? { ...patch('empty'), sha256: sha256('') } : patch(path)];
  },
});

/** The steps of a recipe, which its schema accepts as they are. */
async function resolved(written: Written) {
  asked = [];
  const steps = await resolveStep(writtenStep.parse(written), filesOf);
  expect(steps.map((step) => recipeStep.parse(step))).toEqual(steps);
  return steps;
}

const file = (name: string) => ({ name, sha256: sha256(name) });

describe('in a recipe is', () => {
  test.each<[string, Written['patch'], object[], string[]]>([
    ['a path', 'a.patch', [{ patches: [file('a.patch')], strip: 1, fuzz: 0, optional: false }], ['patch']],
    ['a list', ['a', 'b'], [{ patches: [file('a'), file('b')], strip: 1 }], ['patch.0', 'patch.1']],
    [
      'one file with options',
      { file: 'a', strip: 0, fuzz: 2, optional: true },
      [{ patches: [file('a')], strip: 0, fuzz: 2, optional: true }],
      ['patch.file'],
    ],
    ['files', { files: ['a', 'b'] }, [{ patches: [file('a'), file('b')] }], ['patch.files.0', 'patch.files.1']],
    [
      'a series with a strip of its own',
      ['two/series', 'c'],
      [
        { patches: [file('first')], strip: 1 },
        { patches: [file('second')], strip: 0 },
        { patches: [file('c')], strip: 1 },
      ],
      ['patch.0', 'patch.1'],
    ],
    ['an empty patch', 'empty', [{ patches: [{ name: 'empty', sha256: sha256('') }] }], ['patch']],
  ])('patch: %s', async (_, patch, expected, keys) => {
    const steps = await resolved({ patch });
    expect(steps).toEqual(expected.map((each) => expect.objectContaining({ kind: 'patch', ...each })));
    expect(asked).toEqual(keys);
  });

  const optional = false;
  test.each<[string, Written, object]>([
    [
      'replace',
      { replace: { files: 'bin/*.sh', from: 'yum', to: 'dnf' } },
      { files: ['bin/*.sh'], from: 'yum', to: 'dnf', regex: false, optional },
    ],
    [
      'replace, with all it takes',
      { replace: { files: ['a', 'b'], from: 'y(.)m', to: '$1', regex: true, expect: 2, optional: true } },
      { files: ['a', 'b'], from: 'y(.)m', to: '$1', regex: true, expect: 2, optional: true },
    ],
    [
      'set',
      { set: { file: 'conf/a[1].xml', values: { a: 1, b: null } } },
      { files: ['conf/a\\[1\\].xml'], values: { a: 1, b: null }, add: false, optional },
    ],
    [
      'set, with a format',
      { set: { files: 'conf/*', format: 'ini', values: { a: true }, add: true } },
      { files: ['conf/*'], format: 'ini', values: { a: true }, add: true, optional },
    ],
    [
      'template',
      { template: { files: ['a.tmpl'], values: { on: true } } },
      { files: ['a.tmpl'], values: { on: true }, optional },
    ],
    ['copy', { copy: { from: 'overlay', to: './' } }, { from: { kind: 'file', ...file('overlay') }, to: '', optional }],
    ['remove', { remove: 'docs/**' }, { files: ['docs/**'], optional }],
    ['remove', { remove: { files: ['a', 'b'], optional: true } }, { files: ['a', 'b'], optional: true }],
    ['chmod', { chmod: { files: 'bin/*', mode: '0755' } }, { files: ['bin/*'], mode: 0o755, optional }],
    [
      'extract',
      { extract: { file: 'lib/inner.zip' } },
      { file: 'lib/inner.zip', to: 'lib/', strip: 0, keep: false, optional },
    ],
    [
      'extract, with all it takes',
      { extract: { file: 'inner.zip', to: 'x/', include: 'a', exclude: ['b'], keep: true } },
      { file: 'inner.zip', to: 'x/', strip: 0, include: ['a'], exclude: ['b'], keep: true, optional },
    ],
  ])('%s', async (name, written, expected) => {
    expect(await resolved(written)).toEqual([{ kind: name.replace(/,.*/, ''), ...expected }]);
  });

  test('nothing, where the file to copy is missing, which its place is told of', async () => {
    expect(await resolved({ copy: { from: 'missing' } })).toEqual([]);
    expect(asked).toEqual(['copy.from']);
  });
});

test.each<[string, Written, string[]]>([
  ['patches', { patch: ['a', 'b'] }, ['a', 'b']],
  ['a copy', { copy: { from: 'overlay' } }, ['overlay']],
  ['no file', { remove: 'a' }, []],
])('a step reads %s', async (_, written, names) => {
  const steps = await resolved(written);
  expect(steps.flatMap(inputsOfStep)).toEqual(names.map((name) => ({ kind: 'file', ...file(name) })));
});
