import { crc32 } from 'node:zlib';
import { DESCRIPTOR, descriptor, UTF8, type ZipItem, type ZipOptions, zip } from '../archives/zip-builder.js';
import type { Dice, OddArchive } from './odd-archive.js';

const EMPTY = Buffer.alloc(0);

/** Zips of a few entries, each odd in some way; local headers, the directory and the end records that differ or not. */
export function oddZip(dice: Dice): OddArchive {
  const features = new Set<string>();
  const items = Array.from({ length: 1 + dice.below(3) }, () => item(dice, features));
  const its = options(dice, items);
  if (its.zip64 && its.prefix && !its.absolute && features.has('links in a zip'))
    features.add('links in a zip64 behind something');
  const bytes = zip(items, its);
  return { format: 'zip', bytes, features };
}

function options(dice: Dice, items: ZipItem[]): ZipOptions {
  const options: ZipOptions = {};
  if (dice.once(8)) {
    options.prefix = dice.pick([
      Buffer.from('#!/bin/sh\n'),
      Buffer.from('PK00'),
      Buffer.from('PK\x07\x08'),
      zip([{ name: 'hidden', content: 'h' }]),
    ]);
    options.absolute = dice.once(2);
    if (dice.once(6)) options.prefix = Buffer.concat([options.prefix, Buffer.alloc(20)]);
  }
  if (dice.once(10)) {
    const other = zip([{ name: dice.pick(['a', 'z']), content: 'other' }]);
    options.comment = dice.pick([
      Buffer.from('hello'),
      other,
      Buffer.concat([other, Buffer.alloc(dice.below(24), ' ')]),
      Buffer.concat([Buffer.alloc(3), Buffer.from('PK\x05\x06'), Buffer.alloc(dice.below(30))]),
    ]);
  }
  if (dice.once(12))
    options.after = dice.pick([
      Buffer.alloc(1),
      Buffer.alloc(30),
      Buffer.from('signed'),
      zip([{ name: 'z', content: 'z' }]),
    ]);
  if (dice.once(12))
    options.beforeDirectory = dice.pick([Buffer.alloc(5), localOnly(), Buffer.from('PK\x06\x08\0\0\0\0')]);
  if (dice.once(16))
    options.afterDirectory = dice.pick([Buffer.alloc(5), Buffer.from('PK\x05\x05\x03\0abc'), directoryOf(items)]);
  if (dice.once(6)) {
    options.zip64 = true;
    if (dice.once(4)) options.edit64 = (end) => changed(end, dice, dice.pick([24, 32, 40, 48, 16]), 8);
  }
  if (dice.once(9))
    options.edit = (end) => {
      if (options.zip64 && dice.once(2)) end.writeUInt16LE(items.length, dice.pick([8, 10]));
      else changed(end, dice, dice.pick([4, 6, 8, 10, 12, 16, 20]), 2);
    };
  return options;
}

/** An entry that no directory names. */
function localOnly(): Buffer {
  const whole = zip([{ name: 'unlisted', content: 'u' }]);
  return whole.subarray(0, whole.indexOf('PK\x01\x02'));
}

function directoryOf(items: ZipItem[]): Buffer {
  const whole = zip(items.map((one) => ({ ...one, name: 'again' })));
  return whole.subarray(whole.indexOf('PK\x01\x02'), whole.lastIndexOf('PK\x05\x06'));
}

function changed(end: Buffer, dice: Dice, at: number, width: 2 | 8): void {
  const by = dice.pick([1, -1, 46, 47, 1000, -30]);
  if (width === 2) end.writeUInt16LE((end.readUInt16LE(at) + by) & 0xffff, at);
  else end.writeBigUInt64LE(BigInt.asUintN(64, end.readBigUInt64LE(at) + BigInt(by)), at);
}

const NAMES = [
  'a',
  'b',
  'c',
  'd/',
  'd',
  'd/e',
  './a',
  'f//g',
  'h\\i',
  'h\\j/k',
  'ü',
  '%U20AC',
  'x\x01',
  'a ',
  'a.',
  'l',
] as const;

function item(dice: Dice, features: Set<string>): ZipItem {
  const text = dice.pick(NAMES);
  const isUtf8 = dice.once(2);
  const name =
    text === 'ü' ? dice.pick([Buffer.from('ü'), Buffer.from([0x81]), Buffer.from([0xfc])]) : Buffer.from(text);
  if (!isUtf8 && name.some((byte) => byte > 127)) features.add('code page');
  const content = text.endsWith('/') && !dice.once(8) ? '' : 'content '.repeat(dice.pick([0, 1, 1, 20]));
  const its: ZipItem = {
    name,
    content,
    flags: isUtf8 ? UTF8 : 0,
    method: dice.pick([0, 8, 8]),
    ...host(dice, features),
  };
  if (isUtf8 && its.host !== 3 && name.some((byte) => byte > 127)) features.add('UTF-8 not from Unix');
  if (text === 'l' && dice.once(2)) {
    features.add('links in a zip');
    Object.assign(its, {
      unixMode: 0o120777,
      host: 3,
      attributes: (0o120777 << 16) >>> 0,
      content: dice.pick(['a', 'd/e', './a', 'a\0', 'a\n']),
      method: 0,
    });
  }
  if (text.includes('\\')) features.add('backslashes');
  const extra = [fields(dice, name, features), fields(dice, name, features)];
  if (dice.once(6)) its.extra = extra[0] ?? EMPTY;
  if (dice.once(8)) its.local = { extra: (dice.once(2) ? extra[0] : extra[1]) ?? EMPTY };
  if (dice.once(6)) withDescriptor(its, dice);
  if (dice.once(12)) its.local = { ...its.local, ...localChange(dice, features) };
  if (dice.once(25)) its.gap = dice.pick([Buffer.alloc(4), localOnly(), Buffer.from('PK\x03\x04')]);
  if (dice.once(40))
    its[dice.pick<'size' | 'compressedSize' | 'crc'>(['size', 'compressedSize', 'crc'])] = dice.pick([
      0, 1, 8, 0xffffffff,
    ]);
  if (dice.once(50)) its.offset = dice.pick([0, 1, 30]);
  return its;
}

function host(dice: Dice, features: Set<string>): Partial<ZipItem> {
  const system = dice.pick([0, 3, 3, 10, 11, 14, 19, 7, 1, 6, 20]);
  const mode = dice.pick([0, 0o100644, 0o100755, 0o040755, 0o010600, 0o020600, 0o140644, 0xffff, 0o060644, 0o120777]);
  const dos = dice.pick([0, 0, 0x20, 0x10, 0x08, 0x400]);
  if (mode === 0o120777 && (system === 3 || system === 19)) features.add('links in a zip');
  if ((dos & 0x10) !== 0 || mode === 0o040755 || mode === 0xffff) features.add('folders by their attributes');
  return { host: system, attributes: (((mode << 16) >>> 0) | dos) >>> 0 };
}

function fields(dice: Dice, name: Buffer, features: Set<string>): Buffer {
  const parts: Buffer[] = [];
  for (let left = 1 + dice.below(2); left > 0; left -= 1) {
    parts.push(
      dice.pick<() => Buffer>([
        () => {
          features.add('Unicode field');
          return field(
            0x7075,
            Buffer.concat([
              Buffer.from([dice.pick([1, 1, 1, 2])]),
              uint32(dice.once(5) ? 1 : crc32(name)),
              Buffer.from(dice.pick(['ä', '€', name.toString('latin1'), 'y', 'd/', '../x', ''])),
            ]),
          );
        },
        () => field(0x5455, Buffer.from([1, 0, 0, 0, 0])),
        () => field(1, Buffer.alloc(dice.pick([0, 4, 8, 16, 24, 28]), dice.pick([0, 1]))),
        () => field(0x6375, Buffer.concat([Buffer.from([1]), uint32(0), Buffer.from('comment')])),
        () => field(0x756e, Buffer.alloc(14)),
        () => Buffer.alloc(dice.pick([1, 2, 3])),
        () => field(0xcafe, EMPTY),
        () => field(0x99, Buffer.alloc(4)).subarray(0, 6),
      ])(),
    );
  }
  return Buffer.concat(parts);
}

function field(id: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(content.length, 2);
  return Buffer.concat([head, content]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function withDescriptor(its: ZipItem, dice: Dice): void {
  its.flags = (its.flags ?? 0) | DESCRIPTOR;
  if (!dice.once(4)) its.local = { ...its.local, crc: 0, size: 0, compressedSize: 0 };
  const plain = descriptor(its, dice.once(2));
  its.descriptor = dice.pick([plain, plain, plain, EMPTY, wide(plain), Buffer.alloc(plain.length)]);
}

/** With sizes of 8 bytes. */
function wide(plain: Buffer): Buffer {
  const at = plain.length - 8;
  return Buffer.concat([
    plain.subarray(0, at),
    plain.subarray(at, at + 4),
    Buffer.alloc(4),
    plain.subarray(at + 4),
    Buffer.alloc(4),
  ]);
}

function localChange(dice: Dice, features: Set<string>): NonNullable<ZipItem['local']> {
  switch (dice.below(6)) {
    case 0:
      return { name: dice.pick(['z', 'a', 'd/e', 'h/i', 'd', 'd/']) };
    case 1:
      return { size: dice.pick([0, 1, 0xffffffff]) };
    case 2:
      return { compressedSize: dice.pick([0, 1, 0xffffffff]) };
    case 3:
      return { crc: dice.pick([0, 1]) };
    case 4:
      return { method: dice.pick([0, 8]) };
    default: {
      const flags = dice.pick([0, UTF8, DESCRIPTOR, 2, 4]);
      if ((flags & UTF8) === 0) features.add('code page');
      return { flags };
    }
  }
}
