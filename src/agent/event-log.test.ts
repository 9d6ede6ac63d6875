import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLog, EventReader } from './event-log.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-events-'));
  path = join(folder, 'events.ndjson');
});
afterEach(() => rm(folder, { recursive: true }));

const notice = (message: string) => ({ type: 'notice', message }) as const;

test('writes each event on a line of its own, in order, with its time', async () => {
  const log = await EventLog.create(path);
  for (let i = 0; i < 1000; i += 1) log.emit(notice(`${i}`));
  await log.close();
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { message: string; time: string });
  expect(events.map(({ message }) => message)).toEqual(Array.from({ length: 1000 }, (_, i) => `${i}`));
  expect(events.every(({ time }) => new Date(time).toISOString() === time)).toBe(true);
});

test('has an event in the file soon, without being closed', async () => {
  const log = await EventLog.create(path);
  const reader = new EventReader(path);
  log.emit(notice('first'));
  await expect.poll(() => reader.next()).toMatchObject([notice('first')]);
  log.emit(notice('second'));
  await expect.poll(() => reader.next()).toMatchObject([notice('second')]);
  await log.close();
});

test('is read as nothing before it exists', async () => {
  expect(await new EventReader(path).next()).toEqual([]);
});

test('is read the same, wherever its writing was cut', async () => {
  const text = ['a', 'ü€😀', 'line\nbreak'].map((message) => `${JSON.stringify(notice(message))}\n`).join('');
  const bytes = Buffer.from(text);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: bytes.length })), async (cuts) => {
      await writeFile(path, '');
      const reader = new EventReader(path);
      const read: unknown[] = [];
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      for (const [i, to] of places.entries()) {
        await appendFile(path, bytes.subarray(places[i - 1] ?? 0, to));
        read.push(...(await reader.next()));
      }
      expect(read).toEqual([notice('a'), notice('ü€😀'), notice('line\nbreak')]);
    }),
    { numRuns: 30 },
  );
});

test('leaves out lines that are no events', async () => {
  await writeFile(path, `garbage\n{"type":"notice","message":"a"}\n\n5\n`);
  expect(await new EventReader(path).next()).toEqual([notice('a')]);
});
