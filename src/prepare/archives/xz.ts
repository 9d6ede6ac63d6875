import xz from 'xz-decompress';
import { archiveError } from './archive-error.js';
import type { WasmMemory } from './web-assembly.js';

/**
 * What the library's WebAssembly exports (its `native/` folder, over Lasse Collin's xz-embedded). Its own stream class is
 * not used: it lets one stream at a time run, and waits for ever where one was cut off.
 */
interface XzExports {
  memory: WasmMemory;
  /** @returns where the context lies: seven words, of which `WORD` names those that we read or set */
  create_context(): number;
  supply_input(context: number, bytes: number): void;
  get_next_output(context: number): number;
}

const WORD = { bufferBytes: 0, input: 1, inputAt: 2, inputBytes: 3, output: 4, outputBytes: 5 } as const;

/** xz-embedded's results, `enum xz_ret` in xz.h. */
const RESULT = { ok: 0, end: 1, memoryLimit: 4, options: 6 } as const;

/**
 * Decompresses xz: several streams too, with padding between and after them, each checked by its CRC32 or CRC64.
 * Memory is the archive's dictionary, 64 MiB at most.
 * @throws ARCHIVE_INVALID for damage, truncation and for more after the end; ARCHIVE_UNSUPPORTED for larger dictionaries,
 * filters other than LZMA2 and SHA-256 checks
 */
export async function* unxz(source: AsyncIterable<Buffer>, archive: string): AsyncGenerator<Buffer> {
  const { memory, ...decoder } = await instance();
  const context = decoder.create_context();
  const words = () => new Uint32Array(memory.buffer, context, 7);
  const word = (name: keyof typeof WORD) => words()[WORD[name]] ?? 0;
  const room = word('bufferBytes');
  let before = 0;
  let result: number = RESULT.ok;

  function* decoded(input: Buffer): Generator<Buffer> {
    const isLast = input.length === 0;
    new Uint8Array(memory.buffer).set(input, word('input'));
    decoder.supply_input(context, input.length);
    for (let isFull = true; isFull; ) {
      result = decoder.get_next_output(context);
      const bytes = word('outputBytes');
      if (bytes > 0) yield Buffer.from(new Uint8Array(memory.buffer, word('output'), bytes));
      words()[WORD.outputBytes] = 0;
      isFull = result === RESULT.ok && (bytes === room || isLast);
    }
    if (result !== RESULT.ok && (result !== RESULT.end || !isLast)) throw failure();
    before += input.length;
  }

  function failure(): Error {
    const place = { archive, offset: before + word('inputAt') };
    if (result === RESULT.memoryLimit)
      return archiveError('ARCHIVE_UNSUPPORTED', place, 'is xz with a dictionary of more than 64 MiB');
    if (result === RESULT.options)
      return archiveError(
        'ARCHIVE_UNSUPPORTED',
        place,
        'is xz with a filter other than LZMA2, or with a SHA-256 check',
      );
    if (word('inputBytes') === 0)
      return archiveError('ARCHIVE_INVALID', place, 'is cut off: its xz stream does not end', { reason: 'cut-off' });
    return archiveError('ARCHIVE_INVALID', place, 'its xz stream is damaged, or there is more after its end');
  }

  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += room) yield* decoded(chunk.subarray(at, at + room));
  }
  yield* decoded(Buffer.alloc(0)); // says that nothing follows
}

/** One for each stream, so that its dictionary goes when it does. */
async function instance(): Promise<XzExports> {
  const library = xz.XzReadableStream as unknown as {
    _getModuleInstance(): Promise<void>;
    _moduleInstance: { exports: XzExports };
  };
  await library._getModuleInstance();
  return library._moduleInstance.exports;
}
