import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecipeStep } from '../../plan/index.js';
import { aligned } from './aligned.js';
import { recipeChanges, summaryOf } from './recipe-changes.js';

const digest = (letter: string) => letter.repeat(64);
const set = (values: Record<string, string>): RecipeStep => ({
  kind: 'set',
  files: ['a'],
  values,
  add: false,
  optional: false,
});
const remove = (...files: string[]): RecipeStep => ({ kind: 'remove', files, optional: false });
const chmod = (mode: number): RecipeStep => ({ kind: 'chmod', files: ['bin/*'], mode, optional: false });
const patch = (sha256: string): RecipeStep => ({
  kind: 'patch',
  patches: [{ name: '10.patch', sha256 }],
  strip: 1,
  fuzz: 0,
  optional: false,
});
const content = (change: Partial<Parameters<typeof recipeChanges>[0]> = {}) => ({
  source: { kind: 'file' as const, name: 'a.zip', sha256: digest('a') },
  extract: 'auto' as const,
  steps: [set({ host: 'a' }), remove('docs')],
  ...change,
});

describe('what changed of a package', () => {
  test.each<[string, ReturnType<typeof content>, ReturnType<typeof content>, object[]]>([
    ['nothing', content(), content(), []],
    [
      'the source',
      content(),
      content({ source: { kind: 'file', name: 'b.zip', sha256: digest('b') } }),
      [{ what: 'source', before: `a.zip sha256:${'a'.repeat(16)}`, after: `b.zip sha256:${'b'.repeat(16)}` }],
    ],
    [
      'how it is unpacked',
      content(),
      content({ extract: { strip: 1 } as never }),
      [
        { what: 'extract', before: '"auto"' },
        { what: 'extract', key: 'extract.strip', after: '1' },
      ],
    ],
    [
      'a setting',
      content(),
      content({ steps: [set({ host: 'b', port: '1' }), remove('docs')] }),
      [
        { what: 'step 1 (set)', key: 'values.host', before: '"a"', after: '"b"' },
        { what: 'step 1 (set)', key: 'values.port', after: '"1"' },
      ],
    ],
    [
      'a step more',
      content(),
      content({ steps: [remove('x'), ...content().steps] }),
      [{ what: 'step 1 (remove)', after: 'added' }],
    ],
    ['a step less', content(), content({ steps: [remove('docs')] }), [{ what: 'step 1 (set)', before: 'removed' }]],
    [
      'a mode, in octal',
      content({ steps: [chmod(0o755)] }),
      content({ steps: [chmod(0o55)] }),
      [{ what: 'step 1 (chmod)', key: 'mode', before: '"755"', after: '"055"' }],
    ],
    [
      'the content of a patch',
      content({ steps: [patch(digest('a'))] }),
      content({ steps: [patch(digest('b'))] }),
      [
        {
          what: 'step 1 (patch)',
          key: 'patches[10.patch]',
          before: `10.patch sha256:${'a'.repeat(16)}`,
          after: `10.patch sha256:${'b'.repeat(16)}`,
        },
      ],
    ],
    [
      'what is secret, without its value',
      content({ steps: [set({ 'db.password': 'old' })] }),
      content({ steps: [set({ 'db.password': 'new' })] }),
      [{ what: 'step 1 (set)', key: 'values.db.password', before: '***', after: '***' }],
    ],
  ])('%s', (_, before, after, expected) => expect(recipeChanges(before, after)).toEqual(expected));

  test('is summed up in a few words', () => {
    const changes = ['source', 'source', 'step 2 (set)', 'step 3 (remove)', 'extract', 'step 9 (copy)'];
    expect(summaryOf(changes.slice(0, 1).map((what) => ({ what })))).toBe('its source');
    expect(summaryOf(changes.slice(0, 3).map((what) => ({ what })))).toBe('its source and step 2 (set)');
    expect(summaryOf(changes.map((what) => ({ what })))).toBe('its source, step 2 (set), step 3 (remove) and 2 more');
    expect(summaryOf([])).toBe('');
  });
});

test('two lists are aligned so that every item of each is the same, or in one pair', () => {
  const items = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
  fc.assert(
    fc.property(items, items, (before, after) => {
      const pairs = aligned(before, after, { same: (a, b) => a === b, alike: () => true });
      const [removed, added] = [pairs.flatMap(({ old }) => old ?? []), pairs.flatMap(({ now }) => now ?? [])];
      const rest = (all: string[], out: { index: number }[]) =>
        all.filter((_, i) => !out.some(({ index }) => index === i));
      expect(rest(before, removed)).toEqual(rest(after, added));
    }),
  );
});
