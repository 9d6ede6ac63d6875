import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import { sha256 } from '../../../core/digest.js';
import { PrestageError } from '../../../core/errors.js';
import { StagedTree } from '../../tree/staged-tree.js';
import { applyPatchStep } from './index.js';

/**
 * The table of cases (long, for there are many): what this does, and that GNU patch does the same where it is at hand.
 */

/** A file's text in Latin-1; a mode of 755 is shown by a `*` before it, a link by `->`, an empty folder by a `/` after its name. */
type Files = Record<string, string>;

interface Case {
  name: string;
  files: Files;
  patch: string;
  /** The files afterwards, or that the patch is refused. */
  after: Files | 'refused';
  fuzz?: number;
  strip?: number;
  /** Where GNU patch, told to ask nothing, lets pass what changes nothing, and this does not. */
  stricter?: true;
  /** Where GNU patch fails, and git applies it as this does. */
  more?: true;
}

const git = (...lines: string[]): string => `${lines.join('\n')}\n`;
const unified = (name: string, ...hunk: string[]): string => git(`--- a/${name}`, `+++ b/${name}`, ...hunk);
const EPOCH = '1970-01-01 00:00:00.000000000 +0000';

const CASES: Case[] = [
  {
    name: 'changes a line',
    files: { x: 'a\nb\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c'),
    after: { x: 'a\nc\n' },
  },
  {
    name: 'creates a file from /dev/null, and its folders',
    files: {},
    patch: git('--- /dev/null', '+++ b/d/e/x', '@@ -0,0 +1 @@', '+a'),
    after: { 'd/e/x': 'a\n' },
  },
  {
    name: 'creates a file that has the time of the epoch',
    files: {},
    patch: git(`--- a/x\t${EPOCH}`, '+++ b/x\t2024-01-01 00:00:00 +0000', '@@ -0,0 +1 @@', '+a'),
    after: { x: 'a\n' },
  },
  {
    name: 'refuses to create a file that has content',
    files: { x: 'b\n' },
    patch: git('--- /dev/null', '+++ b/x', '@@ -0,0 +1 @@', '+a'),
    after: 'refused',
  },
  {
    name: 'creates a file where an empty one is',
    files: { x: '' },
    patch: git('--- /dev/null', '+++ b/x', '@@ -0,0 +1 @@', '+a'),
    after: { x: 'a\n' },
  },
  {
    name: 'deletes a file',
    files: { x: 'a\n' },
    patch: git('--- a/x', '+++ /dev/null', '@@ -1 +0,0 @@', '-a'),
    after: {},
  },
  {
    name: 'deletes a file that has the time of the epoch, in any zone',
    files: { x: 'a\n' },
    patch: git(
      '--- a/x\t2024-01-01 00:00:00 +0000',
      '+++ b/x\t1970-01-01 01:00:00.000000000 +0100',
      '@@ -1 +0,0 @@',
      '-a',
    ),
    after: {},
  },
  {
    name: 'leaves a file empty that the patch does not say is deleted',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +0,0 @@', '-a'),
    after: { x: '' },
  },
  {
    name: 'refuses to delete a file that holds more',
    files: { x: 'a\nb\n' },
    patch: git('--- a/x', '+++ /dev/null', '@@ -1 +0,0 @@', '-a'),
    after: 'refused',
  },
  {
    name: 'refuses to delete a file that is not there',
    files: {},
    patch: git('--- a/x', '+++ /dev/null', '@@ -1 +0,0 @@', '-a'),
    after: 'refused',
  },
  {
    name: 'renames',
    files: { x: 'a\n' },
    patch: git('diff --git a/x b/d/y', 'similarity index 100%', 'rename from x', 'rename to d/y'),
    after: { 'd/y': 'a\n' },
  },
  {
    name: 'renames and changes',
    files: { x: 'a\nb\nc\n' },
    patch: git(
      'diff --git a/x b/y',
      'similarity index 80%',
      'rename from x',
      'rename to y',
      '--- a/x',
      '+++ b/y',
      '@@ -1,3 +1,3 @@',
      ' a',
      '-b',
      '+B',
      ' c',
    ),
    after: { y: 'a\nB\nc\n' },
  },
  {
    name: 'refuses a file of git without its content',
    files: {},
    patch: git('diff --git a/x b/x', 'new file mode 100644', 'index 0000000..7898192'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses half a rename',
    files: { x: 'a\n' },
    patch: git('diff --git a/x b/y', 'rename to y'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'swaps two names',
    files: { x: 'X\n', y: 'Y\n' },
    patch: git(
      'diff --git a/x b/y',
      'rename from x',
      'rename to y',
      'diff --git a/y b/x',
      'rename from y',
      'rename to x',
    ),
    after: { x: 'Y\n', y: 'X\n' },
  },
  {
    name: 'refuses a rename that is made already',
    files: { y: 'a\n' },
    patch: git('diff --git a/x b/y', 'rename from x', 'rename to y'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a rename of names with spaces, which git does not quote',
    files: { 'x x': 'a\n' },
    patch: git('diff --git a/x x b/y y', 'rename from x x', 'rename to y y'),
    after: 'refused',
  },
  {
    name: 'copies what was there before the patch',
    files: { x: 'a\n' },
    patch: git(
      'diff --git a/x b/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1 +1 @@',
      '-a',
      '+b',
      'diff --git a/x b/y',
      'copy from x',
      'copy to y',
    ),
    after: { x: 'b\n', y: 'a\n' },
  },
  {
    name: 'makes a file executable',
    files: { x: 'a\n' },
    patch: git('diff --git a/x b/x', 'old mode 100644', 'new mode 100755'),
    after: { x: '*a\n' },
  },
  {
    name: 'makes a file not executable and changes it',
    files: { x: '*a\n' },
    patch: git(
      'diff --git a/x b/x',
      'old mode 100755',
      'new mode 100644',
      '--- a/x',
      '+++ b/x',
      '@@ -1 +1 @@',
      '-a',
      '+b',
    ),
    after: { x: 'b\n' },
  },
  {
    name: 'keeps the mode that it does not speak of',
    files: { x: '*a\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '+b'),
    after: { x: '*b\n' },
  },
  {
    name: 'refuses a mode for a file that is not there',
    files: {},
    patch: git('diff --git a/x b/x', 'old mode 100644', 'new mode 100755'),
    after: 'refused',
  },
  {
    name: 'creates an executable file',
    files: {},
    patch: git(
      'diff --git a/x b/x',
      'new file mode 100755',
      'index 0000000..1234567',
      '--- /dev/null',
      '+++ b/x',
      '@@ -0,0 +1 @@',
      '+a',
    ),
    after: { x: '*a\n' },
  },
  {
    name: 'creates and deletes empty files',
    files: { y: '' },
    patch: git(
      'diff --git a/x b/x',
      'new file mode 100644',
      'index 0000000..e69de29',
      'diff --git a/y b/y',
      'deleted file mode 100644',
      'index e69de29..0000000',
    ),
    after: { x: '' },
  },
  {
    name: 'refuses to create an empty file where one with content is',
    files: { x: 'a\n' },
    patch: git('diff --git a/x b/x', 'new file mode 100644', 'index 0000000..e69de29'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses to delete an empty file that is not there',
    files: {},
    patch: git('diff --git a/y b/y', 'deleted file mode 100644', 'index e69de29..0000000'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'changes several files',
    files: { x: 'a\n', y: 'b\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '+A') + unified('y', '@@ -1 +1 @@', '-b', '+B'),
    after: { x: 'A\n', y: 'B\n' },
  },
  {
    name: 'changes a file twice',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '+b') + unified('x', '@@ -1 +1 @@', '-b', '+c'),
    after: { x: 'c\n' },
  },
  {
    name: 'changes a file twice, in parts of git',
    files: { x: 'a\n' },
    patch: `diff --git a/x b/x\n${unified('x', '@@ -1 +1 @@', '-a', '+b')}diff --git a/x b/x\n${unified('x', '@@ -1 +1 @@', '-b', '+c')}`,
    after: { x: 'c\n' },
  },
  {
    name: 'creates a file and changes it, in parts of git',
    files: {},
    patch: git(
      'diff --git a/x b/x',
      'new file mode 100644',
      '--- /dev/null',
      '+++ b/x',
      '@@ -0,0 +1 @@',
      '+a',
      'diff --git a/x b/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1 +1 @@',
      '-a',
      '+b',
    ),
    after: { x: 'b\n' },
  },
  {
    name: 'passes over text before, between and after',
    files: { x: 'a\n', y: 'b\n' },
    patch: `From: me\nSubject: [PATCH] two\n---\n x | 2 +-\n\n${unified('x', '@@ -1 +1 @@', '-a', '+A')}\nand then\n\n${unified('y', '@@ -1 +1 @@', '-b', '+B')}-- \n2.39.5\n`,
    after: { x: 'A\n', y: 'B\n' },
  },
  {
    name: 'reads a patch that is indented',
    files: { x: 'a\n\tb\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', '-a', '+A', ' \tb').replace(/^/gm, '    ').trimEnd().concat('\n'),
    after: { x: 'A\n\tb\n' },
  },
  {
    name: 'takes CRLF in a patch for what the file holds',
    files: { x: 'a\r\nb\r\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a\r', '-b\r', '+c\r'),
    after: { x: 'a\r\nc\r\n' },
  },
  {
    name: 'drops CRLF from a patch whose header ends in it',
    files: { x: 'a\nb\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c').replaceAll('\n', '\r\n'),
    after: { x: 'a\nc\n' },
  },
  {
    name: 'refuses a patch with CRLF throughout for a file with CRLF',
    files: { x: 'a\r\nb\r\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c').replaceAll('\n', '\r\n'),
    after: 'refused',
  },
  {
    name: 'refuses a patch with LF for a file with CRLF',
    files: { x: 'a\r\nb\r\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c'),
    after: 'refused',
  },
  {
    name: 'adds a missing line feed at the end',
    files: { x: 'a' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '\\ No newline at end of file', '+a'),
    after: { x: 'a\n' },
  },
  {
    name: 'removes the line feed at the end',
    files: { x: 'a\nb\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+b', '\\ No newline at end of file'),
    after: { x: 'a\nb' },
  },
  {
    name: 'refuses a last line that has a line feed where the patch has none',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '\\ No newline at end of file', '+b'),
    after: 'refused',
  },
  {
    name: 'understands the marker of the missing line feed in another language',
    files: { x: 'a' },
    patch: unified(
      'x',
      '@@ -1 +1 @@',
      '-a',
      '\\ Kein Zeilenumbruch am Dateiende.',
      '+b',
      '\\ Kein Zeilenumbruch am Dateiende.',
    ),
    after: { x: 'b' },
  },
  {
    name: 'leaves bytes alone that are no UTF-8',
    files: { x: '\xe9\xff\na\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' \xe9\xff', '-a', '+\xfc'),
    after: { x: '\xe9\xff\n\xfc\n' },
  },
  {
    name: 'finds a name that git has quoted',
    files: { 'd/caf\u00e9 "x"': 'a\n' },
    patch: git(
      'diff --git "a/d/caf\\303\\251 \\"x\\"" "b/d/caf\\303\\251 \\"x\\""',
      '--- "a/d/caf\\303\\251 \\"x\\""',
      '+++ "b/d/caf\\303\\251 \\"x\\""',
      '@@ -1 +1 @@',
      '-a',
      '+b',
    ),
    after: { 'd/caf\u00e9 "x"': 'b\n' },
  },
  {
    name: 'finds a name with spaces that a tab ends',
    files: { 'x y': 'a\n' },
    patch: git('--- a/x y\t', '+++ b/x y\t', '@@ -1 +1 @@', '-a', '+b'),
    after: { 'x y': 'b\n' },
  },
  {
    name: 'refuses a name with spaces that no tab ends',
    files: { 'x y': 'a\n' },
    patch: git('--- a/x y', '+++ b/x y', '@@ -1 +1 @@', '-a', '+b'),
    after: 'refused',
  },
  {
    name: 'takes the name from Index: where there is no other',
    files: { x: 'a\n' },
    patch: git('Index: a/x', '=======', '@@ -1 +1 @@', '-a', '+b'),
    after: { x: 'b\n' },
  },
  {
    name: 'strips as many folders as it is told',
    files: { 'd/x': 'a\n' },
    patch: git('--- v1/src//d/x', '+++ v2/src//d/x', '@@ -1 +1 @@', '-a', '+b'),
    strip: 2,
    after: { 'd/x': 'b\n' },
  },
  {
    name: 'takes the name as it is with strip 0',
    files: { 'a/x': 'a\n' },
    patch: git('--- a/x', '+++ a/x', '@@ -1 +1 @@', '-a', '+b'),
    strip: 0,
    after: { 'a/x': 'b\n' },
  },
  {
    name: 'takes the name that exists',
    files: { 'x.orig': 'a\n' },
    patch: git('--- a/x.orig', '+++ b/x', '@@ -1 +1 @@', '-a', '+b'),
    after: { 'x.orig': 'b\n' },
  },
  {
    name: 'takes the shorter of two names that exist',
    files: { 'x.orig': 'a\n', x: 'a\n' },
    patch: git('--- a/x.orig', '+++ b/x', '@@ -1 +1 @@', '-a', '+b'),
    after: { 'x.orig': 'a\n', x: 'b\n' },
  },
  {
    name: 'refuses a name that leads out of the tree',
    files: {},
    patch: git('--- a/../x', '+++ b/../x', '@@ -0,0 +1 @@', '+a'),
    after: 'refused',
  },
  {
    name: 'finds a hunk at an offset, the later of two places equally near',
    files: { x: '1\n2\na\n4\n5\n6\na\n8\n' },
    patch: unified('x', '@@ -5 +5 @@', '-a', '+b'),
    after: { x: '1\n2\na\n4\n5\n6\nb\n8\n' },
  },
  {
    name: 'applies with fuzz',
    files: { x: '1\nX\na\n4\n5\n' },
    patch: unified('x', '@@ -1,5 +1,5 @@', ' 1', ' 2', '-a', '+b', ' 4', ' 5'),
    fuzz: 2,
    after: { x: '1\nX\nb\n4\n5\n' },
  },
  {
    name: 'refuses what needs more fuzz than is allowed',
    files: { x: '1\nX\na\n4\n5\n' },
    patch: unified('x', '@@ -1,5 +1,5 @@', ' 1', ' 2', '-a', '+b', ' 4', ' 5'),
    fuzz: 1,
    after: 'refused',
  },
  {
    name: 'keeps a hunk with little context before at the start of the file',
    files: { x: 'n\na\nb\nc\n' },
    patch: unified('x', '@@ -1,3 +1,4 @@', '+z', ' a', ' b', ' c'),
    after: 'refused',
  },
  {
    name: 'keeps a hunk with little context after at the end of the file',
    files: { x: 'a\nb\nc\nn\n' },
    patch: unified('x', '@@ -1,3 +1,4 @@', ' a', ' b', ' c', '+z'),
    after: 'refused',
  },
  {
    name: 'refuses a hunk that is applied already',
    files: { x: 'a\nc\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c'),
    after: 'refused',
  },
  {
    name: 'changes no file where one hunk of several files fails',
    files: { x: 'a\n', y: 'n\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '+A') + unified('y', '@@ -1 +1 @@', '-b', '+B'),
    after: 'refused',
  },
  {
    name: 'reads empty lines as context that lost its blank',
    files: { x: 'a\n\nb\n' },
    patch: unified('x', '@@ -1,3 +1,3 @@', '-a', '+A', '', ' b'),
    after: { x: 'A\n\nb\n' },
  },
  {
    name: 'supplies up to three empty lines that were cut off the end',
    files: { x: 'a\nb\n\n\n\n' },
    patch: unified('x', '@@ -1,5 +1,5 @@', '-a', '+A', ' b'),
    after: { x: 'A\nb\n\n\n\n' },
  },
  {
    name: 'refuses a patch that is cut off',
    files: { x: 'a\nb\n\n\n\n\n' },
    patch: unified('x', '@@ -1,6 +1,6 @@', '-a', '+A', ' b'),
    after: 'refused',
  },
  {
    name: 'refuses a hunk with too few lines',
    files: { x: 'a\nb\n' },
    patch: unified('x', '@@ -1,2 +1,2 @@', '-a', '+A') + unified('y', '@@ -1 +1 @@', '-a', '+A'),
    after: 'refused',
  },
  {
    name: 'refuses a hunk that changes nothing',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +1 @@', ' a'),
    after: 'refused',
  },
  {
    name: 'refuses a hunk without a file',
    files: { x: 'a\n' },
    patch: git('@@ -1 +1 @@', '-a', '+b'),
    after: 'refused',
  },
  { name: 'refuses text without any diff', files: { x: 'a\n' }, patch: 'nothing here\n', after: 'refused' },
  {
    name: 'refuses binary patches of git',
    files: { x: 'a\n' },
    patch: git(
      'diff --git a/x b/x',
      'index 1234567..2345678 100644',
      'GIT binary patch',
      'literal 1',
      'IcmZPo000310RR91',
      '',
      'literal 1',
      'IcmZPo000310RR91',
      '',
    ),
    after: 'refused',
  },
  {
    name: 'refuses a patch that ends in the middle of a line',
    files: { x: 'a\nb\n' },
    patch: unified('x', '@@ -1,2 +1,3 @@', ' a', ' b', '+c').trimEnd(),
    after: 'refused',
  },
  {
    name: 'refuses a patch that ends in the middle of a line of its header',
    files: { x: 'a\n' },
    patch: git('diff --git a/x b/yy', 'rename from x', 'rename to yy').trimEnd().slice(0, -1),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'passes over text between the names and the hunk',
    files: { x: 'a\n' },
    patch: unified('x', 'some text', '@@ -1 +1 @@', '-a', '+b'),
    after: { x: 'b\n' },
  },
  {
    name: 'refuses a heading that is damaged',
    files: { x: 'a\n', y: 'b\n' },
    patch: unified('y', '@@ -1 +1 @@', '-b', '+B') + unified('x', '@ -1 +1 @@', '-a', '+b'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses an indented patch that says that a line feed is missing',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +1 @@', '-a', '+b', '\\ No newline at end of file').replace(/^(?=.)/gm, '  '),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'leaves a file empty where the name with the time of the epoch has too few folders for strip',
    files: { x: 'a\n' },
    patch: git('--- a/x', `+++ x\t${EPOCH}`, '@@ -1 +0,0 @@', '-a'),
    after: { x: '' },
  },
  {
    name: 'puts a hunk without old lines that expects to be far past the end there',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -5000,0 +5001 @@', '+b'),
    after: { x: 'a\nb\n' },
  },
  {
    name: 'refuses a number of a line that nothing can count to',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -99999999999999999999 +99999999999999999999 @@', '-a', '+b'),
    after: 'refused',
  },
  {
    name: 'refuses a patch that says only that a binary file differs',
    files: { x: 'a\n', y: 'b\n' },
    patch: `Binary files a/x and b/x differ\n${unified('y', '@@ -1 +1 @@', '-b', '+B')}`,
    after: 'refused',
    stricter: true,
  },
  {
    name: 'creates a file in the folder that is there, of two that are named',
    files: { 'new/conf/a.txt': 'a\n' },
    patch: git(
      'diff -urN old/conf/a.txt new/conf/a.txt',
      '--- old/conf/a.txt\t2024-01-01 00:00:00 +0000',
      '+++ new/conf/a.txt\t2024-01-02 00:00:00 +0000',
      '@@ -1 +1 @@',
      '-a',
      '+b',
      'diff -urN old/conf/added.txt new/conf/added.txt',
      `--- old/conf/added.txt\t${EPOCH}`,
      '+++ new/conf/added.txt\t2024-01-02 00:00:00 +0000',
      '@@ -0,0 +1 @@',
      '+n',
    ),
    strip: 0,
    after: { 'new/conf/a.txt': 'b\n', 'new/conf/added.txt': 'n\n' },
  },
  {
    name: 'refuses a normal diff behind a unified one',
    files: { k: 'a\nb\n', f: 'one\ntwo\n' },
    patch:
      unified('k', '@@ -1,2 +1,2 @@', '-a', '+A', ' b') + git('Index: a/f', '=======', '2c2', '< two', '---', '> TWO'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a script for ed behind a unified diff',
    files: { k: 'a\n', f: 'one\ntwo\n' },
    patch: unified('k', '@@ -1 +1 @@', '-a', '+A') + git('Index: f', '2c', 'TWO', '.'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a script for ed that only deletes',
    files: { k: 'a\n', f: 'one\ntwo\n' },
    patch: unified('k', '@@ -1 +1 @@', '-a', '+A') + git('Index: f', '2d'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a context diff',
    files: { f: 'a\n' },
    patch: git('*** a/f', '--- b/f', '***************', '*** 1 ****', '! a', '--- 1 ----', '! b'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'takes commands, dots and stars in prose for prose',
    files: { x: 'a\n' },
    patch: `2c2\n< a\n.\n***************\n*** note\n${unified('x', '@@ -1 +1 @@', '-a', '+b')}***************\n3d\n.\n`,
    after: { x: 'b\n' },
  },
  {
    name: 'passes over a hunk that a text quotes, indented',
    files: { x: 'a\n', y: 'b\n' },
    patch: `The hunk\n\n    @@ -1 +1 @@\n    -a\n    +b\n\n${unified('x', '@@ -1 +1 @@', '-a', '+A')}\nand\n    @@ -1 +1 @@\n    -a\n\n${unified('y', '@@ -1 +1 @@', '-b', '+B')}`,
    after: { x: 'A\n', y: 'B\n' },
  },
  {
    name: 'turns a file into a link',
    files: { 'conf/x': 'port=1\n', 'conf/y': 'port=1\n' },
    patch: git(
      'diff --git a/conf/x b/conf/x',
      'deleted file mode 100644',
      'index 7eefa5d..0000000',
      '--- a/conf/x',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-port=1',
      'diff --git a/conf/x b/conf/x',
      'new file mode 120000',
      'index 0000000..af7a637',
      '--- /dev/null',
      '+++ b/conf/x',
      '@@ -0,0 +1 @@',
      '+y',
      '\\ No newline at end of file',
    ),
    after: { 'conf/x': '->y', 'conf/y': 'port=1\n' },
  },
  {
    name: 'turns a link into a file',
    files: { 'conf/x': '->y', 'conf/y': 'port=1\n' },
    patch: git(
      'diff --git a/conf/x b/conf/x',
      'deleted file mode 120000',
      'index af7a637..0000000',
      '--- a/conf/x',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-y',
      '\\ No newline at end of file',
      'diff --git a/conf/x b/conf/x',
      'new file mode 100644',
      'index 0000000..7eefa5d',
      '--- /dev/null',
      '+++ b/conf/x',
      '@@ -0,0 +1 @@',
      '+port=1',
    ),
    after: { 'conf/x': 'port=1\n', 'conf/y': 'port=1\n' },
  },
  {
    name: 'removes the folders that a deletion leaves empty, and no other',
    files: { 'old/deep/f': 'x\n', 'bin/f': 'x\n', 'bin/g': 'y\n', 'var/': '' },
    patch: git(
      '--- a/old/deep/f',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-x',
      '--- a/bin/f',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-x',
    ),
    after: { 'bin/g': 'y\n', 'var/': '' },
  },
  {
    name: 'removes the folder that a rename leaves empty',
    files: { 'd/x': 'a\n' },
    patch: git('diff --git a/d/x b/y', 'similarity index 100%', 'rename from d/x', 'rename to y'),
    after: { y: 'a\n' },
  },
  {
    name: 'keeps a folder that gets another file',
    files: { 'd/x': 'a\n' },
    patch: git(
      '--- a/d/x',
      '+++ /dev/null',
      '@@ -1 +0,0 @@',
      '-a',
      '--- /dev/null',
      '+++ b/d/y',
      '@@ -0,0 +1 @@',
      '+b',
    ),
    after: { 'd/y': 'b\n' },
  },
  {
    name: 'refuses a path through a link to a folder',
    files: { lib: '->lib64', 'lib64/f': 'x\n' },
    patch: unified('lib/f', '@@ -1 +1 @@', '-x', '+y'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a new file in a link to a folder',
    files: { lib: '->lib64', 'lib64/f': 'x\n' },
    patch: git('--- /dev/null', '+++ b/lib/g', '@@ -0,0 +1 @@', '+y'),
    after: 'refused',
    stricter: true,
  },
  {
    name: 'refuses a new file below a file',
    files: { f: 'x\n' },
    patch: git('--- /dev/null', '+++ b/f/g', '@@ -0,0 +1 @@', '+y'),
    after: 'refused',
  },
  {
    name: 'takes the names of --- and +++ where those of diff --git differ',
    files: { x: 'a\n', y: 'a\n' },
    patch: git('diff --git a/x b/x', 'index 1234567..2345678 100644', '--- a/y', '+++ b/y', '@@ -1 +1 @@', '-a', '+b'),
    after: { x: 'a\n', y: 'b\n' },
  },
  {
    name: 'refuses names that differ where git says more than that the file changes',
    files: { y: 'a\n' },
    patch: git(
      'diff --git a/x b/x',
      'new file mode 100644',
      'index 0000000..e69de29',
      '--- a/y',
      '+++ b/y',
      '@@ -1 +1 @@',
      '-a',
      '+b',
    ),
    after: 'refused',
  },
  {
    name: 'creates a file under the name that it has on its own side, quoted, with a folder more than strip drops',
    files: {},
    patch: git(
      'diff --git "a/d/caf\\303\\251" "b/d/caf\\303\\251"',
      'new file mode 100644',
      'index 0000000..7898192',
      '--- /dev/null',
      '+++ "b/d/caf\\303\\251"',
      '@@ -0,0 +1 @@',
      '+a',
    ),
    strip: 0,
    after: { 'b/d/caf\u00e9': 'a\n' },
  },
  {
    name: 'refuses the marker of the missing line feed before the end',
    files: {},
    patch: git('--- /dev/null', '+++ b/x', '@@ -0,0 +1,2 @@', '+a', '\\ No newline at end of file', '+b'),
    after: 'refused',
  },
  {
    name: 'deletes a file that has the time of the epoch as ctime writes it',
    files: { x: 'a\n' },
    patch: git('--- a/x\tSat Nov 21 10:20:30 2015', '+++ b/x\tThu Jan  1 01:00:00 1970', '@@ -1 +0,0 @@', '-a'),
    after: {},
  },
  {
    name: 'refuses a patch in UTF-16',
    files: { x: 'a\n' },
    patch: `\xff\xfe${[...unified('x', '@@ -1 +1 @@', '-a', '+b')].join('\0')}\0`,
    after: 'refused',
  },
  {
    name: 'ends a file without a line feed after an empty line',
    files: { x: 'a\n' },
    patch: unified('x', '@@ -1 +1,2 @@', ' a', '+', '\\ No newline at end of file'),
    after: { x: 'a\n' },
    more: true,
  },
];

describe('a patch', () => {
  test.each(CASES)('$name', async ({ files, patch, after, fuzz = 0, strip = 1 }) => {
    expect(await applyOurs(files, patch, strip, fuzz)).toEqual(after);
  });
});

describe.skipIf(lacks('patch'))('GNU patch, of which this is the behaviour (needs the patch command),', () => {
  test.each(CASES.filter(({ stricter, more }) => !(stricter || more)))(
    '$name',
    ({ files, patch, after, fuzz = 0, strip = 1 }) => {
      expect(applyGnu(files, patch, strip, fuzz)).toEqual(after);
    },
  );
});

async function applyOurs(files: Files, patch: string, strip: number, fuzz: number): Promise<Files | 'refused'> {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-tree-'));
  try {
    const tree = new StagedTree(folder, { concurrency: 4 });
    for (const { path, target, content, mode } of contents(files)) {
      if (target !== undefined) await tree.makeLink(path, target);
      else if (path.endsWith('/')) await tree.makeFolder(path.slice(0, -1));
      else await tree.write(path, content, mode);
    }
    const bytes = Buffer.from(patch, 'latin1');
    const step = {
      kind: 'patch',
      patches: [{ name: 'a.patch', sha256: sha256(bytes) }],
      strip,
      fuzz,
      optional: false,
    } as const;
    const context = {
      tree,
      readInput: async () => bytes,
      folderInput: async () => '',
      signal: new AbortController().signal,
    };
    try {
      await applyPatchStep({ ...step, patches: [...step.patches] }, context);
    } catch (error) {
      if (!(error instanceof PrestageError)) throw error;
      expect(error.hint).toBeTruthy();
      await tree.settled();
      expect(read(folder)).toEqual(files);
      return 'refused';
    }
    await tree.settled();
    return read(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function applyGnu(files: Files, patch: string, strip: number, fuzz: number): Files | 'refused' {
  const folder = mkdtempSync(join(tmpdir(), 'prestage-gnu-'));
  try {
    for (const { path, target, content, mode } of contents(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      if (target !== undefined) symlinkSync(target, join(folder, path));
      else if (path.endsWith('/')) mkdirSync(join(folder, path));
      else writeFileSync(join(folder, path), content, { mode });
    }
    const options = [`-p${strip}`, `--fuzz=${fuzz}`, '--force', '--no-backup-if-mismatch', '--reject-file=-'];
    const { status } = spawnSync('patch', options, { cwd: folder, input: Buffer.from(patch, 'latin1') });
    return status === 0 ? read(folder) : 'refused';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function contents(files: Files): { path: string; target: string | undefined; content: Buffer; mode: number }[] {
  return Object.entries(files).map(([path, text]) => ({
    path,
    target: text.startsWith('->') ? text.slice(2) : undefined,
    content: Buffer.from(text.replace(/^\*/, ''), 'latin1'),
    mode: text.startsWith('*') ? 0o755 : 0o644,
  }));
}

function read(folder: string): Files {
  const files: Files = {};
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, entry);
    if (realpathSync(dirname(path)) !== dirname(path)) continue; // through a link
    const stat = lstatSync(path);
    if (stat.isFile()) files[entry] = `${stat.mode & 0o100 ? '*' : ''}${readFileSync(path, 'latin1')}`;
    else if (stat.isSymbolicLink()) files[entry] = `->${readlinkSync(path)}`;
    else if (readdirSync(path).length === 0) files[`${entry}/`] = '';
  }
  return files;
}
