import type { ConfigInput } from './schema.js';

/** For `prestage.config.ts`: the same value, with the configuration's types in the editor. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
