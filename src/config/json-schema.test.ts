import { expect, test } from 'vitest';
import { configJsonSchema } from './json-schema.js';

// Regenerate: npx vitest run src/config/json-schema.test.ts --update
test('the shipped JSON Schema is the one of this configuration', async () => {
  await expect(configJsonSchema()).toMatchFileSnapshot('../../schema/prestage.schema.json');
});
