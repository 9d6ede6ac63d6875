import * as z from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema of the configuration as it is written, for editors (draft 7, which all of them know). */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // What zod says of every whole number; to a reader it is noise.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return `${JSON.stringify({ ...schema, title: 'Prestage configuration' }, null, 2)}\n`;
}
