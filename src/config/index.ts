/** The configuration: found, read, checked, and with its defaults and short forms written out. */
export { type Config, isUsedWhole, type PackageConfig, type ValueReference } from './config.js';
export { type ConfigContext, defineConfig } from './define-config.js';
export { defaultEnvironment } from './environment.js';
export { findConfig } from './find-config.js';
export { loadConfig, loadPlace, loadSettings } from './load-config.js';
export { describe, keyText, type Problem, problemsError } from './problem.js';
export { readJsonText } from './read/read-config-file.js';
export type { KeyPath } from './read/source-file.js';
export type { ConfigInput } from './schema.js';
export type { Setting } from './settings.js';
