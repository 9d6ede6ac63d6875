/** The engine: from a plan and its inputs to a release in the store. */
export type { PrepareOptions } from './options.js';
export { prepareRelease } from './prepare-release.js';
export { locateCached, type PinOptions, pinRemote, type RemotePin, type RemoteSource } from './sources/pin-remote.js';
