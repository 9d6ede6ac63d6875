import { open } from 'node:fs/promises';
import { describe, type KeyPath } from '../config/index.js';
import { mapBounded } from '../core/bounded.js';
import type { ScriptPlan, ServicePlan } from '../plan/index.js';
import type { Inputs } from './inputs.js';

/** The hosts' scripts by digest, each of them one that a kernel can start. */
export async function resolveScripts(services: readonly ServicePlan[], inputs: Inputs): Promise<ScriptPlan[]> {
  const uses = services.flatMap(({ name, boot, run }) => [
    ...(boot === undefined ? [] : [{ key: ['services', name, 'boot'], path: boot }]),
    ...(run === undefined ? [] : [{ key: ['services', name, 'run'], path: run }]),
  ]);
  const first = [...new Map(uses.map((use) => [use.path, use])).values()];
  const scripts = await mapBounded(first, 8, async ({ key, path }) => {
    const file = await inputs.file(path, key);
    if (!file) return [];
    await checkFirstLine(file.path, path, key, inputs);
    return [{ path, sha256: file.sha256 }];
  });
  return scripts.flat();
}

/** Longer than any interpreter line that a kernel takes (256 bytes on Linux). */
const FIRST_LINE_BYTES = 512;

async function checkFirstLine(absolute: string, path: string, key: KeyPath, inputs: Inputs): Promise<void> {
  const start = (await readStart(absolute)).toString('utf8');
  const [line = ''] = start.split('\n');
  const fault = firstLineFault(line);
  if (fault) inputs.problems.push({ path: key, ...fault, found: `${fault.found} in ${path}`, code: 'CONFIG_SCRIPT' });
}

function firstLineFault(line: string): { expected: string; found: string } | undefined {
  const expected = 'a first line such as #!/bin/sh';
  if (line.startsWith('\uFEFF#!')) return { expected, found: 'a byte-order mark before it' };
  if (!line.startsWith('#!'))
    return { expected, found: line === '' ? 'an empty line' : describe(line.replace(/\r$/, '')) };
  if (line.endsWith('\r'))
    return { expected: 'a first line that ends with a line feed alone', found: 'a carriage return at its end' };
  if (!/^#![ \t]*\//.test(line)) return { expected, found: `${describe(line)}, without the path of an interpreter,` };
  return undefined;
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
