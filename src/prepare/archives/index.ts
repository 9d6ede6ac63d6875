export { type ArchiveInput, archiveFile } from './archive-input.js';
export { isZero } from './byte-source.js';
export { type ExtractedArchive, extractArchive } from './extract-archive.js';
export { isFileFormat, SUPPORTED_FORMATS } from './formats.js';
export { measureArchive } from './measure-archive.js';
export { RECOGNITION_BYTES, recogniseFile, recogniseStart } from './recognise.js';
export type { UnpackOptions } from './unpacker.js';
