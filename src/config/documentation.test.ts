import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { folderWith } from '../../test/folder-with.js';
import { configJsonSchema } from './json-schema.js';
import { loadConfig } from './load-config.js';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```(yaml|ts)\n([\s\S]*?)```/g)].map(([, format = '', text = '']) => ({
  format,
  text,
}));

test.each(examples)('an example of docs/configuration.md keeps every rule: %j', async ({ format, text }) => {
  const config = await loadConfig(await folderWith({ [`prestage.config.${format}`]: text }));
  expect(config.name).toBe('portal');
});

test('docs/configuration.md has every key of the JSON Schema', () => {
  const missing = keysOf(JSON.parse(configJsonSchema())).filter(
    (key) => !page.includes(`\`${key}\``) && !page.includes(`#### ${key}`),
  );
  expect(missing.filter((key) => !['http', 'tcp', 'target'].includes(key))).toEqual([]);
  expect(examples.length).toBeGreaterThan(5);
});

function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'properties' in schema ? Object.keys(schema.properties ?? {}) : [];
  return [...new Set([...own, ...Object.values(schema).flatMap(keysOf)])];
}
