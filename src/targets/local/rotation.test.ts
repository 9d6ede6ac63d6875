import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LocalTargetKit, openLocalTargetKit, service } from '../../../test/local-target.js';
import { until } from '../../../test/until.js';
import type { HostState } from './hosts/state.js';
import { hostFiles, hostFolder, layoutOf } from './layout.js';

let kit: LocalTargetKit;
beforeEach(async () => {
  kit = await openLocalTargetKit();
});
afterEach(() => kit.close());

const LINES = 120_000;
/** 12 MB of numbered lines as fast as they can be written, some of them to what a shell calls stderr. */
const WRITER = `#!/bin/sh
while [ ! -e begin ]; do sleep 0.05; done
seq -f '%09.0f ${'.'.repeat(90)}' 1 ${LINES - 1}
echo 'the last one' > /dev/stderr
exec sleep 600
`;

/** Collects the lines of the program that \`logs\` shows. */
function collect(follow: boolean, signal = new AbortController().signal) {
  const lines: string[] = [];
  const done = kit.target.logs('api', {
    follow,
    wait: false,
    signal,
    emit: (event) => {
      if (event.type === 'log' && !event.line.startsWith('[prestage] ')) lines.push(event.line);
    },
  });
  return { lines, done };
}
const isComplete = (lines: string[]) =>
  lines.length === LINES && lines.every((line, index) => index === LINES - 1 || Number(line.slice(0, 9)) === index + 1);

test('no line is lost when a log is rotated: not for logs, and not for logs -f', async () => {
  const plan = await kit.publish({ scripts: { 'run.sh': WRITER } });
  await kit.deploy(plan, [service('api', { run: 'run.sh' })]);
  const { log, state, work } = hostFiles(hostFolder(layoutOf(kit.root), 'api-0'));
  const stop = new AbortController();
  const followed = collect(true, stop.signal);
  writeFileSync(join(work, 'begin'), '');
  await until('the last line', () => followed.lines.at(-1) === 'the last one');
  stop.abort();
  await followed.done;
  expect(isComplete(followed.lines)).toBe(true);
  expect(
    readdirSync(hostFolder(layoutOf(kit.root), 'api-0')).filter((name) => name.startsWith('host.log.')).length,
  ).toBeGreaterThanOrEqual(1);

  const shown = collect(false);
  await shown.done;
  expect(isComplete(shown.lines)).toBe(true);

  rmSync(log);
  const { child } = JSON.parse(readFileSync(state, 'utf8')) as HostState;
  process.kill(child?.pid ?? 0, 'SIGKILL');
  await until(
    'the log to be made again',
    () => existsSync(log) && readFileSync(log, 'utf8').includes('ended (SIGKILL)'),
  );
});
