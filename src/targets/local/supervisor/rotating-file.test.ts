import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import { openRotatingFile } from './rotating-file.js';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-log-'));
  log = join(folder, 'host.log');
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (path: string) => readFileSync(path, 'utf8');

test('a log that gets too large is renamed at the end of a line, and four of them are kept', () => {
  const file = openRotatingFile(log, 10);
  for (const chunk of [
    'one\ntwo\nthr',
    'ee\nfour\n',
    'five\nsix\nsev',
    'en\n',
    'eight\nnine\n',
    'ten\neleven\n',
    'twelve',
  ])
    file.write(Buffer.from(chunk));
  expect(readdirSync(folder).sort()).toEqual(['host.log', 'host.log.1', 'host.log.2', 'host.log.3', 'host.log.4']);
  const kept = [4, 3, 2, 1].map((number) => text(`${log}.${number}`));
  expect(kept.every((content) => content.endsWith('\n'))).toBe(true);
  expect(`${kept.join('')}${text(log)}`).toBe('three\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve');
});

test.each([
  ['removes', () => rmSync(log)],
  ['renames', () => renameSync(log, join(folder, 'elsewhere'))],
])('a log that somebody %s is made again with the next line', (_, take) => {
  const file = openRotatingFile(log);
  file.write(Buffer.from('one\n'));
  take();
  file.write(Buffer.from('two\n'));
  expect(text(log)).toBe('two\n');
});

test.skipIf(lacks('tmpfs'))('what a full disk has no room for is counted, and said as soon as there is room', () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  try {
    const file = openRotatingFile(log);
    writeFileSync(join(folder, 'filling'), Buffer.alloc(60 * 1024));
    file.write(Buffer.alloc(10_000, 'x'));
    rmSync(join(folder, 'filling'));
    file.write(Buffer.from('after\n'));
    const written = text(log).indexOf('\n');
    expect(written).toBeLessThan(10_000);
    expect(text(log).slice(written)).toBe(
      `\n[prestage] ${10_000 - written} bytes of output are missing here: there was no room for them\nafter\n`,
    );
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});
