import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { identify, isRunning, livenessOf, statField } from './process-identity.js';

test('this process runs, and one with its id and another start does not', () => {
  const self = identify(process.pid);
  expect(self && livenessOf(self)).toBe(process.platform === 'win32' ? 'unknown' : 'running');
  expect(livenessOf({ pid: process.pid, started: 'another' })).toBe(process.platform === 'win32' ? 'unknown' : 'gone');
  expect(livenessOf({ pid: process.pid })).toBe('unknown');
});

test('a process that was killed is gone', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0);
  expect(isRunning(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isRunning(identity)).toBe(false);
});

test('a command with spaces and parentheses does not shift the fields of its stat', () => {
  expect(statField('42 (a (b) c) S 1 42', 3)).toBe('S');
});

test('a process that ended and was not collected by its parent does not run', async () => {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(line.toString().trim());
  // The shell became `sleep`, which collects nobody.
  await expect.poll(() => isRunning(identify(child))).toBe(process.platform !== 'linux');
  parent.kill('SIGKILL');
});
