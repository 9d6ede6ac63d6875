import { z } from 'zod';
import { configSchema } from './schema.js';

/** The JSON Schema of the configuration as it is written, for editors (draft 7, which all of them know). */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ ...schema, title: 'Prestage configuration' }, null, 2)}\n`;
}
