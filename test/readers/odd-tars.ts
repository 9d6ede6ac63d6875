import { pax, setChecksum, type TarItem, tarEntry } from '../archives/tar-builder.js';
import type { Dice, OddArchive } from './odd-archive.js';

/** Tars of a few entries, each odd in some way: what headers before an entry may say, and what its own may. */
export function oddTar(dice: Dice): OddArchive {
  const features = new Set<string>();
  const parts: Buffer[] = [];
  for (let left = 1 + dice.below(4); left > 0; left -= 1) parts.push(...before(dice, features), entry(dice, features));
  return { format: 'tar', bytes: Buffer.concat([...parts, end(dice, features)]), features };
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
  'h/./i',
  'n'.repeat(100),
  `${'m'.repeat(99)}/`,
  'a b',
  'ü',
] as const;
const OTHER_NAMES = ['p', 'q/', 'q/r', './s', 'long/'.repeat(30), '', 'o'.repeat(155)] as const;

function before(dice: Dice, features: Set<string>): Buffer[] {
  const headers: Buffer[] = [];
  for (let left = dice.pick([0, 0, 0, 0, 1, 1, 1, 2, 2, 3]); left > 0; left -= 1)
    headers.push(extension(dice, features));
  return headers;
}

function extension(dice: Dice, features: Set<string>): Buffer {
  switch (dice.below(8)) {
    case 0:
    case 1:
      return tarEntry({ name: '././@LongLink', type: 'L', content: longName(dice), magic: 'ustar  \0' });
    case 2:
      return tarEntry({ name: '././@LongLink', type: 'K', content: longName(dice), magic: 'ustar  \0' });
    case 3:
      features.add('volume label');
      return tarEntry({ name: 'label', type: 'V', size: 0 });
    case 4:
      return pax({ comment: 'c' }, 'g');
    default:
      return paxHeader(dice, features);
  }
}

function longName(dice: Dice): string {
  return dice.pick([...NAMES, ...OTHER_NAMES]) + dice.pick(['\0', '\0', '', '\0x', '\0\0\0']);
}

function paxHeader(dice: Dice, features: Set<string>): Buffer {
  const records: Record<string, string> = {};
  const add = (key: string, value: string) => {
    records[key] = value;
  };
  for (let left = 1 + dice.below(3); left > 0; left -= 1) {
    switch (dice.below(9)) {
      case 0:
      case 1:
        add('path', dice.pick([...NAMES, ...OTHER_NAMES]));
        break;
      case 2:
        add('linkpath', dice.pick(NAMES));
        break;
      case 3:
      case 4:
        add('size', dice.pick(['0', '3', '5', '512', '600', '', '+5', '05', ' 5', '5.0', '0x5', '-1']));
        break;
      case 5:
        add('mtime', dice.pick(['1', '1.5', '', 'x']));
        break;
      case 6:
        sparse(dice, add);
        features.add('pax sparse');
        break;
      default:
        add(
          dice.pick([
            'comment',
            'SCHILY.dev',
            'atime',
            'uid',
            'uname',
            'hdrcharset',
            'LIBARCHIVE.xattr.a',
            'SCHILY.xattr.a',
          ]),
          dice.pick(['1', 'BINARY', '']),
        );
    }
  }
  const plain = pax(records);
  if (!dice.once(8)) return dice.once(20) ? retyped(plain, 'X') : plain;
  const size = Number.parseInt(plain.toString('latin1', 124, 136), 8);
  const text = plain.toString('utf8', 512, 512 + size);
  const changed = dice.pick([
    (t: string) => t + text,
    (t: string) => `${t}\0\0\0`,
    (t: string) => t.replace(/^/gm, ' ').trimEnd().concat('\n'),
    (t: string) => t.replace(/^(\d)/, '0$1'),
    (t: string) => t.slice(0, -1),
    (t: string) => `${t}\n`,
    (t: string) => `${t}${pax({ path: 'z' }).toString('latin1', 512, 521)}`,
    (t: string) => t.replace('=', ' ='),
    (t: string) => t.replace(/\n$/, ' '),
    (t: string) => `${t}12 path=a\0b\n`,
    (t: string) => `${t}9 path=z\n8 path=\n`,
  ])(text);
  const whole = dice.once(6) ? { size: 512 } : {};
  if (changed.endsWith('\0') || whole.size) features.add('padded pax');
  return tarEntry({ name: 'PaxHeader', type: 'x', content: changed, ...whole });
}

function sparse(dice: Dice, add: (key: string, value: string) => void): void {
  const size = dice.pick(['10', '600', '2000']);
  const map = dice.pick(['0,5', '5,5', '0,3,5,2', '0,5,10,0', '0,512', '100,512', '0,0']);
  if (dice.once(2)) {
    add('GNU.sparse.size', size);
    add('GNU.sparse.numblocks', String(map.split(',').length / 2));
    add('GNU.sparse.map', map);
    if (dice.once(2)) add('GNU.sparse.name', dice.pick(['s', 'q/s']));
    if (dice.once(6)) {
      add('GNU.sparse.major', '0');
      add('GNU.sparse.minor', '1');
    }
  } else {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', dice.pick(['0', '0', '0', '1']));
    add('GNU.sparse.name', dice.pick(['s', 'q/s']));
    add('GNU.sparse.realsize', size);
  }
}

function retyped(entry: Buffer, type: string): Buffer {
  const header = Buffer.from(entry.subarray(0, 512));
  header.write(type, 156, 'latin1');
  setChecksum(header);
  return Buffer.concat([header, entry.subarray(512)]);
}

function magic(dice: Dice): string {
  return dice.pick([
    'ustar\x0000',
    'ustar\x0000',
    'ustar  \0',
    '\0\0\0\0\0\0\0\0',
    'ustar   ',
    'ustar\0\0\0',
    'ustar\0  ',
    'ustar 00',
    'Ustar\x0000',
  ]);
}

function entry(dice: Dice, features: Set<string>): Buffer {
  const type = dice.pick([
    '0',
    '0',
    '0',
    '0',
    '0',
    '0',
    '\0',
    '7',
    '1',
    '2',
    '2',
    '5',
    '5',
    '5',
    'S',
    dice.pick(['0', '0', 'D', 'N', 'A', '8']),
  ]);
  const itsMagic = magic(dice);
  const name = type === '5' && !dice.once(8) ? dice.pick(['d/', 'g/', 'd', `${'m'.repeat(99)}/`]) : dice.pick(NAMES);
  const content = dice.pick(['x', 'y', 'z']).repeat(dice.pick([0, 3, 5, 5, 512, 600]));
  const item: TarItem = {
    name,
    type,
    magic: itsMagic,
    content: '125'.includes(type) && !dice.once(12) ? '' : content,
    link: '12'.includes(type) ? dice.pick(['a', 'a', 'b', 'd/e', 'c', './a', 'd']) : '',
    mode: dice.pick([0o644, 0o755]),
    ...(dice.once(8)
      ? { prefix: dice.pick(['p', 'p/q', '13417000000', 'p'.repeat(155), 'p'.repeat(131), './p', 'p/']) }
      : {}),
    ...(dice.once(20) ? { size: dice.pick([0, 3, 512]) } : {}),
    edit: (header) => edited(header, dice),
    ...(dice.once(15) ? { damage: (header) => resummed(header, dice) } : {}),
  };
  if (type === 'S') features.add('sparse');
  if (itsMagic === 'ustar  \0' && item.prefix === '13417000000') features.add('times of GNU');
  return tarEntry(item);
}

/** Fields in the odd forms that writers have for them. */
function edited(header: Buffer, dice: Dice): void {
  if (dice.once(25)) header.write('tar\0', 508, 'latin1');
  const nameEnd = header.indexOf(0);
  if (dice.once(20) && nameEnd > 0 && nameEnd < 90) header.write('junk', nameEnd + 1);
  if (String.fromCharCode(header[156] ?? 0) === 'S' && dice.once(2)) {
    header.write('00000000000\x0000000000005\0', 386, 'latin1');
    header.write('00000000012\0', 483, 'latin1');
  }
  if (!dice.once(12)) return;
  const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
  const octal = size.toString(8);
  const base256 = Buffer.alloc(12);
  base256[0] = 0x80;
  base256.writeUInt32BE(size, 8);
  const forms = [
    octal.padStart(12, '0'),
    `${octal.padStart(11, ' ')}\0`,
    `${octal.padStart(11, ' ')} `,
    `${octal}\0`.padEnd(12, 'x'),
    `${octal} `.padEnd(12, '\0'),
    `${octal}x`.padEnd(12, '\0'),
    `\0${octal}`.padEnd(12, '\0'),
    ` ${octal}\0`.padEnd(12, '\0'),
    `+${octal}`.padEnd(12, '\0'),
    `0${octal} 7`.padEnd(12, ' '),
    `9${octal}`.padEnd(12, '\0'),
    `\t${octal}`.padEnd(12, '\0'),
    ' '.repeat(12),
    '\0'.repeat(12),
    base256.toString('latin1'),
    `\xff${base256.toString('latin1').slice(1)}`,
    `\xc0${base256.toString('latin1').slice(1)}`,
  ] as const;
  header.write(dice.pick([forms[0], ...forms]), 124, 'latin1');
}

/** The checksum in other forms, or of signed bytes. */
function resummed(header: Buffer, dice: Dice): void {
  const sum = Number.parseInt(header.toString('latin1', 148, 154), 8);
  const octal = sum.toString(8);
  const forms = [
    `${octal.padStart(7, '0')}\0`,
    `${octal.padStart(6, ' ')}\0 `,
    `${octal.padStart(8, '0')}`,
    `${octal}\0`.padEnd(8, '\0'),
    `${octal} `.padEnd(8, ' '),
    `${(sum + 1).toString(8).padStart(6, '0')}\0 `,
    ` ${octal}`.padEnd(8, '\0'),
  ] as const;
  header.write(dice.pick([forms[0], ...forms]), 148, 'latin1');
}

function end(dice: Dice, features: Set<string>): Buffer {
  if (!dice.once(4)) return Buffer.alloc(1024);
  const more = entry(dice, features);
  const zeros = (blocks: number) => Buffer.alloc(512 * blocks);
  return dice.pick<() => Buffer>([
    () => zeros(0),
    () => zeros(1),
    () => zeros(20),
    () => Buffer.concat([zeros(1), more, zeros(2)]),
    () => Buffer.concat([zeros(2), more, zeros(2)]),
    () => Buffer.concat([zeros(2), Buffer.alloc(512, 'x')]),
    () => Buffer.concat([zeros(2), Buffer.from('some')]),
    () => Buffer.concat([zeros(1), Buffer.alloc(100)]),
    () => Buffer.concat([zeros(2), Buffer.alloc(512 * dice.below(20), 'x')]),
    () => Buffer.concat([zeros(2), more, Buffer.alloc(512, 'x')]),
    () => Buffer.concat([zeros(1), Buffer.alloc(512, 'x'), zeros(2)]),
  ])();
}
