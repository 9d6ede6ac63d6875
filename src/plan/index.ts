/** What is to be prepared and to run, and where, as pure data: the language of targets, worker and store. */
export { DEPARTURES, type Departure } from './departures.js';
export { type AwsEnvironment, type AwsNetwork, type Environment, trialOf } from './environment.js';
export { extractionOf, writtenExtraction } from './extraction.js';
export { type FolderEntry, listFolder, listingDigest } from './folder-listing.js';
export * from './input.js';
export { isMaven } from './maven.js';
export type { NameEncoding } from './name-encoding.js';
export { blobUrl, parseOci } from './oci.js';
export { findCycle, orderServices } from './order-services.js';
export * from './recipe.js';
export * from './services.js';
export {
  keyBaseName,
  parseSource,
  plainName,
  type S3Access,
  type Source,
  s3Url,
  sourceName,
  urlBaseName,
} from './source.js';
export { type RecipeStep, resolveStep, type StepOf, type WrittenStep, writtenStep } from './steps/index.js';
export type { StepFiles } from './steps/step-kind.js';
export { count, flag, isTreePath, localPath, scalar } from './steps/written.js';
