import { ZSTDDecoder } from 'zstddec/stream';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import type { PrestageError } from '../../../core/errors.js';
import { archiveError } from '../archive-error.js';
import { type OnTrailingData, refuseTrailingData } from './trailing-data.js';
import { instantiate, type WasmMemory, type WasmModule } from './web-assembly.js';

/** What the library's WebAssembly exports: zstd's own C code. */
interface ZstdExports {
  memory: WasmMemory;
  malloc(bytes: number): number;
  ZSTD_createDCtx(): number;
  /** Takes `ZSTD_outBuffer` and `ZSTD_inBuffer`: address, size, position; returns 0 at a frame's end, or a hint, or an error. */
  ZSTD_decompressStream(context: number, output: number, input: number): number;
}

/** What zstd reads and writes best: a block and its header, a block. */
const INPUT_BYTES = 128 * 1024;
const OUTPUT_BYTES = 256 * 1024;

/** zstd's error codes that say more than damage (zstd_errors.h). */
const NO_FRAME = 10;
const WINDOW_TOO_LARGE = 16;
const DICTIONARY_WRONG = 32;
const CHECKSUM_WRONG = 22;

/**
 * Decompresses zstd: several frames too, and skippable ones, each checked by its checksum where it has one. Memory is the
 * archive's window, 128 MiB at most, as for `zstd -d`. Node's own zstd is not used: it takes what is cut off for whole,
 * and forgets what follows a frame within one chunk.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end; ARCHIVE_UNSUPPORTED for larger windows and
 * for dictionaries
 */
export async function* unzstd(
  source: AsyncIterable<Buffer>,
  archive: string,
  onTrailingData: OnTrailingData = refuseTrailingData,
): AsyncGenerator<Buffer> {
  const { memory, ...decoder } = await instance();
  const context = decoder.ZSTD_createDCtx();
  const [input, output, inputBuffer, outputBuffer] = [
    decoder.malloc(INPUT_BYTES),
    decoder.malloc(OUTPUT_BYTES),
    decoder.malloc(12),
    decoder.malloc(12),
  ];
  let before = 0;
  let hint = 0;
  let hasEnded = false;

  function* decoded(bytes: Buffer): Generator<Buffer> {
    new Uint8Array(memory.buffer).set(bytes, input);
    new Uint32Array(memory.buffer, inputBuffer, 3).set([input, bytes.length, 0]);
    for (let at = 0, isFull = true; isFull || at < bytes.length; ) {
      new Uint32Array(memory.buffer, outputBuffer, 3).set([output, OUTPUT_BYTES, 0]);
      const isBetweenFrames = hint === 0 && before + at > 0;
      hint = decoder.ZSTD_decompressStream(context, outputBuffer, inputBuffer);
      at = new Uint32Array(memory.buffer, inputBuffer, 3)[2] ?? 0;
      if (-hint === NO_FRAME && isBetweenFrames) {
        onTrailingData(before + at, () => failure(NO_FRAME, before + at, 'trailing-data'));
        hint = 0;
        hasEnded = true;
        return;
      }
      if (hint < 0) throw failure(-hint, before + at);
      const made = new Uint32Array(memory.buffer, outputBuffer, 3)[2] ?? 0;
      isFull = made === OUTPUT_BYTES && hint !== 0;
      if (made > 0) yield Buffer.from(new Uint8Array(memory.buffer, output, made));
    }
    before += bytes.length;
  }

  function failure(code: number, offset: number, reason?: ArchiveReason<'ARCHIVE_INVALID'>): PrestageError {
    const place = { archive, offset };
    if (code === WINDOW_TOO_LARGE)
      return archiveError('ARCHIVE_UNSUPPORTED', place, 'is zstd with a window of more than 128 MiB');
    if (code === DICTIONARY_WRONG)
      return archiveError('ARCHIVE_UNSUPPORTED', place, 'is zstd with a dictionary of its own');
    return archiveError(
      'ARCHIVE_INVALID',
      place,
      `its zstd stream is damaged, or there is more after its end (zstd's error ${code})`,
      code === CHECKSUM_WRONG ? { reason: 'checksum' } : reason && { reason },
    );
  }

  for await (const chunk of source) {
    for (let at = 0; at < chunk.length && !hasEnded; at += INPUT_BYTES)
      yield* decoded(chunk.subarray(at, at + INPUT_BYTES));
  }
  if (hint !== 0)
    throw archiveError('ARCHIVE_INVALID', { archive, offset: before }, 'is cut off: its zstd stream does not end', {
      reason: 'cut-off',
    });
}

let compiled: Promise<WasmModule> | undefined;

/** One for each stream, so that its window goes when it does. */
async function instance(): Promise<ZstdExports> {
  compiled ??= compile();
  return instantiate(await compiled, { env: { emscripten_notify_memory_growth: () => undefined } });
}

/** The library's own streams go on for ever at an error, so only its module is taken. */
function compile(): Promise<WasmModule> {
  return new Promise((resolve, reject) => {
    class Library extends ZSTDDecoder {
      override _init(result: { module: WasmModule }): void {
        resolve(result.module);
      }
    }
    new Library().init().catch(reject);
  });
}
