import type { ConfigInput } from './schema.js';

/** What a configuration that is a function is given. */
export interface ConfigContext<Values = Readonly<Record<string, string | number | boolean>>> {
  /** The name of the environment that a command is for. */
  environment: string;
  /** The values that this environment has. */
  values: Values;
}

/** For `prestage.config.ts`: the same value, with the configuration's types in the editor. */
export function defineConfig(config: ConfigInput): ConfigInput;
/** The same of a function that makes the configuration for an environment. */
export function defineConfig<Values = ConfigContext['values']>(
  config: (context: ConfigContext<Values>) => ConfigInput | Promise<ConfigInput>,
): typeof config;
export function defineConfig(config: unknown): unknown {
  return config;
}
