import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { type ArchivePlace, archiveError } from '../archive-error.js';
import { ByteSource } from '../byte-source.js';
import { Bcj2Damaged, unbcj2 } from '../compression/bcj2.js';
import { type Processor, undelta, unfiltered } from '../compression/branch-filters.js';
import { bunzip2 } from '../compression/bzip2.js';
import { INFLATE_CHUNK_BYTES, isZlibError } from '../compression/gunzip.js';
import { Inflate64Damaged, inflate64 } from '../compression/inflate64.js';
import { LzmaDamaged, LzmaDecoder } from '../compression/lzma.js';
import {
  dictionaryBytes,
  Lzma2Damaged,
  Lzma2Decoder,
  lzma2Content,
  MAX_DICTIONARY_BYTES,
} from '../compression/lzma2.js';
import { PpmdDamaged, unppmd } from '../compression/ppmd.js';
import { unzstd } from '../compression/zstd.js';
import { encrypted } from '../encrypted.js';
import { AES, AES_PROPERTY_BYTES, unaes } from './seven-zip-aes.js';
import type { Coder } from './seven-zip-header.js';

type Pieces = AsyncIterable<Buffer>;

/** How one coder of a folder is undone. */
interface Method {
  inputs: number;
  /** How long what it is set by may be. */
  propertyBytes: readonly number[];
  /** The memory that it takes, where it takes any; undefined where it cannot be so. */
  memory?(coder: Coder): number | undefined;
  decode(coder: Coder, inputs: readonly Pieces[], place: ArchivePlace, password: string | undefined): Pieces;
}

const nothing: Pieces = (async function* () {})();

function onOne(decode: (packed: Pieces, coder: Coder, place: ArchivePlace) => Pieces): Method['decode'] {
  return (coder, [packed = nothing], place) => decode(packed, coder, place);
}

function filter(processor: Processor, propertyBytes: readonly number[] = [0]): Method {
  return {
    inputs: 1,
    propertyBytes,
    decode: onOne((packed, { properties }) =>
      unfiltered(packed, processor, properties.length === 4 ? properties.readUInt32LE(0) : 0),
    ),
  };
}

/** By their numbers ("Methods.txt" of the LZMA SDK). */
const METHODS: Record<string, Method> = {
  '00': { inputs: 1, propertyBytes: [0], decode: onOne((packed) => packed) },
  '03': {
    inputs: 1,
    propertyBytes: [1],
    decode: onOne((packed, { properties }) => undelta(packed, (properties[0] ?? 0) + 1)),
  },
  '04': filter('x86'),
  '05': filter('PowerPC'),
  '06': filter('IA-64'),
  '07': filter('ARM'),
  '08': filter('ARM Thumb'),
  '09': filter('SPARC'),
  '0a': filter('ARM64', [0, 4]),
  '0b': filter('RISC-V', [0, 4]),
  '21': {
    inputs: 1,
    propertyBytes: [1],
    memory: ({ properties, size }) => smaller(dictionaryBytes(properties[0] ?? 255), size),
    decode: onOne((packed, { properties, size }, place) => unlzma2(packed, properties[0] ?? 0, size, place)),
  },
  '030101': {
    inputs: 1,
    propertyBytes: [5],
    memory: ({ properties, size }) => smaller(properties.readUInt32LE(1), size),
    decode: onOne((packed, { properties, size }) => unlzma(packed, new LzmaDecoder(properties, size))),
  },
  '03030103': filter('x86'),
  '0303011b': {
    inputs: 4,
    propertyBytes: [0],
    decode: ({ size }, [main = nothing, calls = nothing, jumps = nothing, bits = nothing]) =>
      unbcj2({ main, calls, jumps, bits }, size),
  },
  '03030205': filter('PowerPC'),
  '03030401': filter('IA-64'),
  '03030501': filter('ARM'),
  '03030701': filter('ARM Thumb'),
  '03030805': filter('SPARC'),
  '030401': {
    inputs: 1,
    propertyBytes: [5],
    memory: ({ properties }) => properties.readUInt32LE(1),
    decode: onOne((packed, { properties, size }) =>
      unppmd(packed, properties[0] ?? 0, properties.readUInt32LE(1), size),
    ),
  },
  '040108': { inputs: 1, propertyBytes: [0], decode: onOne((packed) => inflate(packed)) },
  '040109': { inputs: 1, propertyBytes: [0], decode: onOne((packed) => inflate64(packed)) },
  '040202': { inputs: 1, propertyBytes: [0], decode: onOne((packed, _, { archive }) => bunzip2(packed, archive)) },
  [AES]: {
    inputs: 1,
    propertyBytes: AES_PROPERTY_BYTES,
    decode: (coder, [packed = nothing], place, password) => {
      if (password === undefined) throw encrypted(place);
      return unaes(packed, coder, { place, password });
    },
  },
  '04f71101': {
    inputs: 1,
    propertyBytes: [1, 3, 5],
    memory: ({ size }) => Math.min(size, MAX_DICTIONARY_BYTES),
    decode: onOne((packed, _, { archive }) => unzstd(packed, archive)),
  },
};

const OTHER_METHODS: Record<string, string> = {
  '04f71102': 'Brotli',
  '04f71104': 'LZ4',
  '04f71105': 'LZ5',
  '04f71106': 'Lizard',
};

/** @throws ARCHIVE_UNSUPPORTED, ARCHIVE_INVALID for a coder that cannot be undone whatever it is given */
export function methodOf(coder: Coder, place: ArchivePlace, password: string | undefined): Method {
  if (coder.method === AES && password === undefined) throw encrypted(place);
  const method = METHODS[coder.method];
  if (method === undefined) {
    const what = `is packed by the method ${OTHER_METHODS[coder.method] ?? coder.method}, which is not supported`;
    throw archiveError('ARCHIVE_UNSUPPORTED', place, what, {
      reason: 'compression',
      hint: 'Pack it again with `7z a -m0=lzma2`.',
    });
  }
  if (coder.inputs !== method.inputs || coder.outputs !== 1 || !method.propertyBytes.includes(coder.properties.length))
    throw archiveError('ARCHIVE_INVALID', place, 'has a method with the wrong properties');
  return method;
}

/** Whether an error of a decoder says that what it was given is damaged. */
export function isDamage(error: unknown): boolean {
  const kinds = [LzmaDamaged, Lzma2Damaged, Bcj2Damaged, PpmdDamaged, Inflate64Damaged];
  return kinds.some((kind) => error instanceof kind) || isZlibError(error);
}

/** A dictionary that is larger than all that comes of it is of no use. */
function smaller(dictionary: number | undefined, size: number): number | undefined {
  return dictionary && Math.min(dictionary, size);
}

async function* unlzma(packed: Pieces, decoder: LzmaDecoder): AsyncGenerator<Buffer> {
  for await (const piece of packed) yield* decoder.decode(piece, false);
  yield* decoder.decode(Buffer.alloc(0), true);
}

async function* unlzma2(packed: Pieces, dictionary: number, size: number, place: ArchivePlace): AsyncGenerator<Buffer> {
  const source = new ByteSource(packed);
  const decoder = await Lzma2Decoder.create();
  let byte = 0;
  while (byte < dictionary && (dictionaryBytes(byte) ?? 0) < size) byte += 1;
  decoder.startBlock(byte);
  yield* lzma2Content(source, decoder, () => damaged(place));
  if ((await source.skip(1)) > 0) throw damaged(place);
}

async function* inflate(packed: Pieces): AsyncGenerator<Buffer> {
  let bytes = 0;
  const inflater = createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES });
  const source = Readable.from(packed);
  source.once('error', (error) => inflater.destroy(error));
  source.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  source.pipe(inflater);
  try {
    for await (const piece of inflater) yield piece as Buffer;
  } finally {
    source.destroy();
    inflater.destroy();
  }
  if (inflater.bytesWritten !== bytes) throw new LzmaDamaged();
}

export function damaged(place: ArchivePlace): Error {
  return archiveError('ARCHIVE_INVALID', place, 'is damaged: it cannot be decompressed');
}
