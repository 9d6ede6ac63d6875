import { readFile } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { configJsonSchema } from './json-schema.js';
import { loadConfig } from './load-config.js';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const examples = page
  .replace(/^# /, '')
  .split(/^#{2,} /m)
  .flatMap((section) => {
    const heading = section.split('\n', 1)[0] ?? '';
    const found = [...section.matchAll(/```(yaml|ts)\n([\s\S]*?)```/g)];
    return found.map(([, format = '', text = ''], index) => ({ heading, number: index + 1, format, text }));
  });

afterEach(() => vi.unstubAllEnvs());

test.each(examples)('docs/configuration.md, $heading: example $number keeps every rule', async ({ format, text }) => {
  vi.stubEnv('BUILD', '417');
  const folder = await folderWith({ [`prestage.config.${format}`]: text });
  const config = await loadConfig(folder, { orFirst: true });
  expect(config.name).toBe('portal');
});

test('docs/configuration.md has every key of the JSON Schema', () => {
  const missing = keysOf(JSON.parse(configJsonSchema())).filter(
    (key) => !page.includes(`\`${key}\``) && !page.includes(`#### ${key}`),
  );
  expect(missing.filter((key) => !['http', 'tcp', 'target'].includes(key))).toEqual([]);
  expect(examples.length).toBeGreaterThan(5);
});

const aws = await readFile(new URL('../../docs/aws.md', import.meta.url), 'utf8');
const awsExamples = [...aws.matchAll(/^( *)```yaml\n([\s\S]*?)```/gm)].map(([, indent = '', text = '']) =>
  text.replace(new RegExp(`^${indent}`, 'gm'), ''),
);

test('docs/aws.md: its examples keep every rule', async () => {
  expect(awsExamples.length).toBeGreaterThan(2);
  for (const text of awsExamples) {
    const folder = await folderWith({ 'prestage.config.yaml': text });
    const [last] = (await loadConfig(folder, { orFirst: true })).environments.slice(-1);
    const { environment } = await loadConfig(folder, { environment: last?.name });
    expect(environment).toMatchObject({ target: 'aws', region: 'eu-central-1' });
  }
});

function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties ?? {}) : [];
  return [...new Set([...own, ...Object.values(schema).flatMap(keysOf)])];
}
