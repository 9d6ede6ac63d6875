/** The configuration: read, checked, and with every input pinned by digest. */
export type { Config, PackageConfig } from './config.js';
export { defineConfig } from './define-config.js';
export { type Environment, selectEnvironment } from './environment.js';
export { type FolderEntry, type FolderListing, type ListOptions, listFolder } from './folder-listing.js';
export { loadConfig } from './load-config.js';
export * from './recipe.js';
export { type Lockfile, type Resolved, type ResolveOptions, resolve, writeLockfile } from './resolve/resolve.js';
export type { PinRemote } from './resolve/resolve-source.js';
export type { ConfigInput } from './schema.js';
export * from './services.js';
