import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { awsParts } from './aws-parts.js';

async function moduleOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-parts-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'stack.mjs'), text);
  return pathToFileURL(join(folder, 'stack.mjs')).href;
}

test('a package that is not installed is named, with how to install it', async () => {
  const url = await moduleOf("import 'aws-cdk-lib-that-is-not-there/core';");
  await expect(awsParts(() => import(/* @vite-ignore */ url))).rejects.toMatchObject({
    code: 'AWS_PARTS_MISSING',
    message: expect.stringMatching(
      /^The packages that deploy to AWS are not installed: .*aws-cdk-lib-that-is-not-there/,
    ),
    hint: expect.stringMatching(
      /`npm install --save-dev @aws-cdk\/toolkit-lib@1\.\S+ aws-cdk-lib@2\.\S+ constructs@10\.\S+`/,
    ),
  });
});

test('what fails otherwise fails as it is, and what is there is loaded', async () => {
  const broken = await moduleOf("throw new Error('broken');");
  await expect(awsParts(() => import(/* @vite-ignore */ broken))).rejects.toThrow('broken');
  const whole = await moduleOf('export const answer = 42;');
  expect(await awsParts(() => import(/* @vite-ignore */ whole))).toMatchObject({ answer: 42 });
});
