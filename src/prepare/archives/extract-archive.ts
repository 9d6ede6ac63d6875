import { asPrestageError, PrestageError } from '../../core/errors.js';
import type { Remark } from '../tree/acceptance.js';
import type { Tree } from '../tree/tree.js';
import { archiveError } from './archive-error.js';
import type { ArchiveInput } from './archive-input.js';
import { without } from './behind-script.js';
import { ByteSource } from './byte-source.js';
import { type Compression, decompress } from './compression/compression.js';
import type { StreamFormat } from './format.js';
import { type ArchiveFormat, FORMATS, layersOf, SUPPORTED_FORMATS } from './formats.js';
import { RECOGNITION_BYTES, recognise, recogniseInFile } from './recognise.js';
import { Unpacker, type UnpackOptions } from './unpacker.js';

export interface ExtractedArchive {
  format: ArchiveFormat;
  /** Files and links. */
  files: number;
  /** Bytes of the files. */
  bytes: number;
  /** Which rules it broke that it may break, and what of it was left out. */
  remarks: Remark[];
}

/**
 * Unpacks an archive, of whatever format its content shows, into a tree that is settled afterwards, also after a
 * failure. Tars are read from `stream`, to its end; formats that are read at random from `file`, which must be given for
 * them.
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED (also for what is no archive), ARCHIVE_UNSAFE, ARCHIVE_LIMIT,
 * STEP_FILE_MISSING where a pattern matches nothing or nothing is unpacked, SOURCE_CHANGED, and the tree's errors; what
 * `stream` throws and what the signal was aborted with, as it is
 */
export async function extractArchive(
  input: ArchiveInput,
  tree: Tree,
  options: UnpackOptions,
): Promise<ExtractedArchive> {
  const unpacker = new Unpacker(input.name, tree, options);
  tree.accept(unpacker.acceptance);
  try {
    const format = await unpack(input, unpacker);
    await unpacker.finish();
    return { format, files: unpacker.files, bytes: unpacker.bytes, remarks: unpacker.acceptance.remarks };
  } catch (error) {
    await tree.settled().catch(() => undefined); // nothing writes any more when the caller clears up
    if (error instanceof PrestageError || options.signal?.aborted) throw error;
    throw asPrestageError(error, { file: input.name, ...(input.file === undefined ? {} : { path: input.file }) });
  } finally {
    tree.accept(undefined);
  }
}

async function unpack(input: ArchiveInput, unpacker: Unpacker): Promise<ArchiveFormat> {
  if (input.file !== undefined) {
    const { format, at } = checked(await recogniseInFile(input.file, input.name), input);
    const { container, compression } = layersOf(format);
    const kind = FORMATS[container];
    if (kind.reads === 'file') await kind.unpack(input.file, unpacker);
    else await unpackStream({ kind, compression, at }, input.stream(), unpacker);
    return format;
  }
  const { start, whole } = await peek(input.stream());
  const { format, at } = checked(await recognise(start, input.name), input);
  const { container, compression } = layersOf(format);
  const kind = FORMATS[container];
  if (kind.reads === 'file')
    throw new PrestageError('INTERNAL', `${input.name} is a ${format}, which must be a file to be unpacked.`);
  await unpackStream({ kind, compression, at }, whole, unpacker);
  return format;
}

function checked<T>(found: T | undefined, input: ArchiveInput): T {
  if (found !== undefined) return found;
  throw archiveError('ARCHIVE_UNSUPPORTED', { archive: input.name }, 'is not an archive of a known format', {
    reason: 'format',
    hint: `Supported are ${SUPPORTED_FORMATS}. \`extract: false\` keeps the file as it is.`,
  });
}

async function unpackStream(
  { kind, compression, at }: { kind: StreamFormat; compression: Compression | undefined; at: number },
  stream: AsyncIterable<Buffer>,
  unpacker: Unpacker,
): Promise<void> {
  const counted = without(at, countBytes(stream, unpacker));
  const source = new ByteSource(compression === undefined ? counted : decompress(compression, counted, unpacker));
  try {
    await kind.unpack(source, unpacker);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function* countBytes(stream: AsyncIterable<Buffer>, unpacker: Unpacker): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    unpacker.consumed(bytes);
    yield chunk;
  }
}

/** The first bytes of a stream, as many as recognition wants, and the stream with them still in it. */
async function peek(stream: AsyncIterable<Buffer>): Promise<{ start: Buffer; whole: AsyncIterable<Buffer> }> {
  const iterator = stream[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let bytes = 0;
  while (bytes < RECOGNITION_BYTES) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    bytes += next.value.length;
  }
  return { start: Buffer.concat(chunks), whole: rejoined(chunks, iterator) };
}

async function* rejoined(chunks: Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
    yield* { [Symbol.asyncIterator]: () => iterator };
  } finally {
    await iterator.return?.();
  }
}
