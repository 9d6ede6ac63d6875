/** The configuration: read, checked, and with every input pinned by digest. */
export type { AwsEnvironment, AwsNetwork } from './aws-environment.js';
export type { Config } from './config.js';
export { defineConfig } from './define-config.js';
export { defaultEnvironment, type Environment, selectEnvironment } from './environment.js';
export { findConfig } from './find-config.js';
export { type FolderEntry, listFolder, listingDigest } from './folder-listing.js';
export { loadConfig, loadPlace } from './load-config.js';
export { nearest } from './nearest.js';
export { findCycle, orderServices } from './order-services.js';
export * from './recipe.js';
export { demandSources, type Resolved, resolve, writeLockfile } from './resolve/resolve.js';
export type { ConfigInput } from './schema.js';
export * from './services.js';
export { parseSource } from './source.js';
