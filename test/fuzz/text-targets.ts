import assert from 'node:assert/strict';
import { sha256 } from '../../src/core/digest.js';
import { applyPatchStep } from '../../src/prepare/steps/patch/index.js';
import { applySet, type SetFormat, type SetValue } from '../../src/prepare/steps/set/index.js';
import { StagedTree } from '../../src/prepare/tree/staged-tree.js';
import { formatManifest, parseManifest } from '../../src/store/manifest.js';
import { entriesOf, listing, place } from '../archives/unpacked.js';
import { below, pick } from './mutate.js';
import { filesIn } from './seeds.js';
import { refused, type Target } from './target.js';

const PATCHED = {
  'a.txt': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n',
  'dir/b.txt': 'alpha\nbeta\ngamma\r\ndelta',
  'c.sh': '#!/bin/sh\necho hello\n',
};

const PATCHES = {
  unified:
    '--- a/a.txt\t2020-01-01 00:00:00\n+++ b/a.txt\t2020-01-01 00:00:00\n@@ -1,3 +1,4 @@ x\n one\n-two\n+TWO\n+and more\n three\n@@ -8,3 +9,2 @@\n eight\n-nine\n ten\n',
  git: 'diff --git a/c.sh b/d.sh\nold mode 100644\nnew mode 100755\nsimilarity index 80%\nrename from c.sh\nrename to d.sh\nindex 1234567..89abcde\n--- a/c.sh\n+++ b/d.sh\n@@ -1,2 +1,2 @@\n #!/bin/sh\n-echo hello\n+echo there\ndiff --git a/new b/new\nnew file mode 120000\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+a.txt\n\\ No newline at end of file\ndiff --git a/a.txt b/a.txt\ndeleted file mode 100644\n--- a/a.txt\n+++ /dev/null\n@@ -1,10 +0,0 @@\n-one\n-two\n-three\n-four\n-five\n-six\n-seven\n-eight\n-nine\n-ten\n',
  'no newline':
    'Index: dir/b.txt\n===================\n--- "a/dir/b.txt"\n+++ "b/dir/b.txt"\n@@ -2,3 +2,3 @@\n beta\n gamma\r\n-delta\n\\ No newline at end of file\n+epsilon\n\\ No newline at end of file\n',
};

/** A patch is applied, and the tree is as it says, or the patch is refused and no file is other than before. */
export const patch: Target = {
  seeds: () => Object.fromEntries(Object.entries(PATCHES).map(([name, text]) => [name, Buffer.from(text)])),
  dictionary: [
    ...[
      '--- a/a.txt\n',
      '+++ b/a.txt\n',
      '--- /dev/null\n',
      '+++ /dev/null\n',
      '@@ -1,3 +1,4 @@\n',
      '@@ -0,0 +1 @@\n',
      '@@ ',
    ],
    ...[
      'diff --git a/a.txt b/c.sh\n',
      'rename from ',
      'rename to ',
      'copy from ',
      'copy to ',
      'new file mode 100755\n',
    ],
    ...[
      'deleted file mode 100644\n',
      'old mode 120000\n',
      'new mode 40755\n',
      'GIT binary patch\n',
      'Binary files differ\n',
    ],
    ...[
      '\\ No newline at end of file\n',
      '../',
      '/',
      '"a/\\303\\274"',
      '\r\n',
      '\n',
      ' ',
      '+',
      '-',
      '\t',
      '*** a\n',
      'Index: ',
    ],
    ...[
      'a.txt',
      'dir/b.txt',
      'c.sh',
      'dir',
      '..',
      '@@ -1,99999999 +1 @@\n',
      'similarity index 100%\n',
      '--- a\n+++ b\n',
    ],
  ],
  async run(input, random) {
    const where = place();
    try {
      const tree = new StagedTree(where.tree, { concurrency: 4 });
      for (const [path, content] of Object.entries(PATCHED)) await tree.write(path, Buffer.from(content));
      await tree.settled();
      const before = entriesOf(tree);
      const options = {
        strip: pick(random, [0, 1, 1, 1, 2]),
        fuzz: pick(random, [0, 0, 2, 9]),
        optional: random() < 0.3,
      };
      const step = { kind: 'patch' as const, patches: [{ name: 'x.patch', sha256: sha256(input) }], ...options };
      const context = {
        tree,
        readInput: async () => input,
        folderInput: async () => '',
        signal: new AbortController().signal,
      };
      const done = await refused(/^(PATCH_|STEP_FILE_MISSING$|STEP_INVALID$|ARCHIVE_UNSAFE$)/, () =>
        applyPatchStep(step, context),
      );
      const settled = await refused(/^ARCHIVE_UNSAFE$/, async () => {
        await tree.settled();
        return true;
      });
      if (settled) assert.deepEqual(listing(where.tree), entriesOf(tree));
      if (done?.changes === 0) assert.deepEqual(entriesOf(tree), before);
    } finally {
      assert.deepEqual(where.outside(), ['victim', 'untouched']);
      where.remove();
    }
  },
};

const FORMATS: Record<string, SetFormat> = {
  properties: 'properties',
  cnf: 'ini',
  cfg: 'ini',
  service: 'ini',
  json: 'json',
  yml: 'yaml',
  xml: 'xml',
  toml: 'toml',
};

/** A key is set, which the step proves itself by reading all again, or the file is refused as it is. */
export const set: Target = {
  seeds(repository) {
    const fixtures = Object.entries(filesIn(`${repository}/src/prepare/steps/set/fixtures`));
    const known = fixtures.filter(([name]) => endingOf(name) in FORMATS);
    // The format goes with the bytes, as the input is all that a run is told.
    return Object.fromEntries(
      known.map(([name, content]) => [name, Buffer.concat([Buffer.from(`${FORMATS[endingOf(name)]}\n`), content])]),
    );
  },
  dictionary: [
    ...[
      '\n',
      '\r\n',
      '\r',
      ' ',
      '\t',
      '=',
      ':',
      '#',
      ';',
      '!',
      '\\',
      '"',
      "'",
      '"""',
      "'''",
      '[',
      ']',
      '{',
      '}',
      ',',
      '<',
      '>',
    ],
    ...[
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?xml version="1.0" encoding="ISO-8859-1"?>',
      '&#x10;',
      '&amp;',
      '<!DOCTYPE a [',
      'xmlns:a=',
    ],
    ...[
      '- ',
      '? ',
      '&a ',
      '*a',
      '<<: ',
      '|\n',
      '>-\n',
      '---\n',
      '...\n',
      '!!str ',
      '%YAML 1.1\n',
      '[[a]]\n',
      '[a.b]\n',
      'a.b = ',
    ],
    ...[
      '\\u0000',
      '\\uD800',
      '\xef\xbb\xbf',
      '\xff',
      '\xc3\xa9',
      '\0',
      '// c\n',
      '/* c */',
      '1e999',
      'true',
      'null',
      '-0',
      '0x1F',
      '1979-05-27',
    ],
    ...[
      'properties\n',
      'ini\n',
      'json\n',
      'yaml\n',
      'xml\n',
      'toml\n',
      '__proto__',
      'constructor',
      'a: 1\n',
      'a = 1\n',
      '"a": 1',
    ],
  ],
  async run(input, random) {
    const lineEnd = input.indexOf('\n');
    const named = input.toString('latin1', 0, lineEnd);
    const format = Object.values(FORMATS).find((known) => known === named) ?? 'yaml';
    const content = input.subarray(lineEnd + 1);
    const words = content.toString('utf8').match(/[\w@$/-][\w.@$/[\]-]{0,40}/g) ?? [];
    const key = () =>
      words.length > 0 && random() < 0.9
        ? words
            .slice(below(random, words.length))
            .slice(0, 1 + below(random, 3))
            .join('.')
        : 'a.b';
    const value = () => pick(random, ['', 'x', ' a b ', 'größe', 'a\nb', '\'"\\', 'true', '#', -1, 1.5, false, null]);
    const values = Object.fromEntries(Array.from({ length: 1 + below(random, 2) }, () => [key(), value()]));
    try {
      await setTwice(content, format, values);
    } catch (cause) {
      throw new Error(`set ${JSON.stringify(values)} in this file of ${format}`, { cause });
    }
  },
};

/**
 * In CI, what the step's own proof stops fails no build: nothing is written then, and it is seldom the change's fault.
 * Elsewhere it is a defect that was looked for.
 */
const SET_REFUSED = process.env.CI ? /^(STEP_INVALID|INTERNAL)$/ : /^STEP_INVALID$/;

/** What was set is found set. */
async function setTwice(content: Buffer, format: SetFormat, values: Record<string, SetValue>): Promise<void> {
  const once = await refused(SET_REFUSED, () => applySet(content, format, values, 'file'));
  if (once === undefined) return;
  const twice = await refused(SET_REFUSED, () => applySet(once.content, format, values, 'file'));
  assert.ok(twice, `what was set cannot be read again: ${JSON.stringify(once.content.toString('latin1'))}`);
  assert.equal(twice.content.toString('latin1'), once.content.toString('latin1'));
}

const MANIFEST = formatManifest(
  new Map([
    ['conf', { type: 'dir', mode: 0o755 }],
    ['conf/größe', { type: 'file', mode: 0o644, size: 3, sha256: sha256('abc') }],
    ['conf/a b', { type: 'file', mode: 0o755, size: 0, sha256: sha256('') }],
    ['l', { type: 'link', target: 'conf/a b' }],
  ] as const),
);

/** A manifest is read as what writes the very same bytes, or is refused. */
export const manifest: Target = {
  seeds: () => ({ manifest: MANIFEST }),
  dictionary: [
    ...[
      './',
      '..',
      '/',
      '\n',
      ' ',
      'type=dir mode=0755',
      'type=file',
      'type=link link=',
      'size=',
      'sha256=',
      '\\040',
      '\\134',
    ],
    ...[
      '\\303\\274',
      '\\000',
      '#mtree\n',
      '# prestage tree 1 files=1 bytes=0\n',
      '. type=dir mode=0755\n',
      'mode=0644',
      '\xc3\xbc',
    ],
  ],
  async run(input) {
    const entries = await refused(/^STORE_INVALID$/, () => parseManifest(input));
    if (entries === undefined) return;
    for (const path of entries.keys()) assert.doesNotMatch(path, /^\/|(^|\/)\.\.?(\/|$)|\0/);
    assert.ok(formatManifest(entries).equals(input), 'written again, it is another manifest');
  },
};

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
