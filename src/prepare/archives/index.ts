export { type ArchiveInput, archiveFile } from './archive-input.js';
export { type ExtractedArchive, extractArchive } from './extract-archive.js';
export type { ArchiveLimits } from './limits.js';
export { type ArchiveMeasure, measureArchive } from './measure-archive.js';
export { type ArchiveFormat, RECOGNITION_BYTES, recogniseFile, recogniseStart } from './recognise.js';
export type { UnpackOptions } from './unpacker.js';
