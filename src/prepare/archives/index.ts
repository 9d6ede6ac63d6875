export { type ArchiveInput, archiveFile } from './archive-input.js';
export { isZero } from './byte-source.js';
export { type ExtractedArchive, extractArchive } from './extract-archive.js';
export { measureArchive } from './measure-archive.js';
export { isFileFormat, RECOGNITION_BYTES, recogniseFile, recogniseStart, SUPPORTED_FORMATS } from './recognise.js';
export type { UnpackOptions } from './unpacker.js';
