import { gzipSync } from 'node:zlib';
import { tar } from '../archives/tar-builder.js';
import type { Dice, OddArchive } from './odd-archive.js';

/** Cpio archives of each format, with links of both kinds, odd headers, and more behind the end. */
export function oddCpio(dice: Dice): OddArchive {
  const features = new Set<string>();
  const format = dice.pick(['newc', 'crc', 'odc'] as const);
  const entries = Array.from({ length: 1 + dice.below(4) }, () => cpioEntry(dice, format, features));
  const trailer = cpioBytes(format, { name: 'TRAILER!!!', mode: 0, links: 1, inode: 0 }, EMPTY, dice);
  const end = dice.pick<() => Buffer>([
    () => trailer,
    () => trailer,
    () => Buffer.concat([trailer, Buffer.alloc(512)]),
    () => EMPTY,
    () => Buffer.concat([trailer, cpioEntry(dice, format, features), trailer]),
    () => Buffer.concat([trailer, Buffer.from('more')]),
  ])();
  return { format: 'cpio', bytes: Buffer.concat([...entries, end]), features };
}

const EMPTY = Buffer.alloc(0);
const NAMES = ['a', 'b', 'c', 'd', 'd/e', './a', 'f//g', '.', 'd/', 'ü', 'n'.repeat(120)] as const;

interface CpioFields {
  name: string;
  mode: number;
  links: number;
  inode: number;
}

function cpioEntry(dice: Dice, format: 'newc' | 'crc' | 'odc', features: Set<string>): Buffer {
  const type = dice.pick([0o100644, 0o100644, 0o100755, 0o040755, 0o120777, 0o644]);
  const name = dice.pick(NAMES);
  const links = dice.pick([1, 1, 2, 2, 3]);
  const isLink = type === 0o120777;
  const content = isLink
    ? dice.pick(['a', 'b', 'd/e', 'a\0', ''])
    : type === 0o040755 && !dice.once(6)
      ? ''
      : dice.pick(['', 'xx', 'content', 'y'.repeat(600)]);
  if (links > 1) features.add('hard links');
  return cpioBytes(
    format, // Programs differ in whether a file without other names can share its number, as no program writes it.
    { name, mode: type, links, inode: links > 1 ? 1 + dice.below(2) : 10 + dice.below(1000) },
    Buffer.from(content),
    dice,
  );
}

function cpioBytes(
  format: 'newc' | 'crc' | 'odc',
  { name, mode, links, inode }: CpioFields,
  content: Buffer,
  dice: Dice,
): Buffer {
  const raw = Buffer.from(`${name}\0${dice.once(15) ? 'x\0' : ''}`);
  const sum =
    format === 'crc'
      ? content.reduce((total, byte) => total + byte, 0) + (dice.once(20) ? 1 : 0)
      : dice.once(20)
        ? 5
        : 0;
  if (format === 'odc') {
    const octal = (value: number, width: number) => value.toString(8).padStart(width, '0');
    const head = `070707${[1, inode, mode, 0, 0, links, 0].map((value) => octal(value, 6)).join('')}${octal(0, 11)}${octal(raw.length, 6)}${octal(content.length, 11)}`;
    return Buffer.concat([Buffer.from(head), raw, content]);
  }
  const hex = (value: number) => {
    const digits = value.toString(16).padStart(8, '0');
    return dice.once(2) ? digits.toUpperCase() : digits;
  };
  const numbers = [inode, mode, 0, 0, links, 0, content.length, 1, 2, 0, 0, raw.length, sum];
  const head = `${format === 'crc' ? '070702' : '070701'}${numbers.map(hex).join('')}`;
  const fill = dice.once(25) ? 0x78 : 0;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(head), raw]), 4, fill), padded(content, 4, fill)]);
}

function padded(bytes: Buffer, to: number, fill = 0): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to, fill)]);
}

const MEMBERS = [
  'a',
  'b',
  'a/',
  'b/',
  'c.o/',
  'name with',
  '/0',
  '/2',
  '/99',
  '//',
  '/',
  '/SYM64/',
  '__.SYMDEF',
  '#1/4',
  '#1/12',
  '#1/0',
  'n234567890123456',
  '',
] as const;

/** Ar archives with names in the forms of System V, GNU and BSD. */
export function oddAr(dice: Dice): OddArchive {
  const features = new Set<string>();
  const members = Array.from({ length: 1 + dice.below(4) }, () => {
    const name = dice.pick(MEMBERS);
    if (/^(\/|\/SYM64\/|__\.SYMDEF)$/.test(name)) features.add('symbol table');
    const content =
      name === '//'
        ? dice.pick(['long/\nother/\n', 'x/\n', 'a\nb\n', 'd/e/\n'])
        : dice.pick(['', 'content', 'even', 'name\0\0\0\0content', 'long.name.12content']);
    return arMember(name, Buffer.from(content), dice);
  });
  const tail = dice.pick([EMPTY, EMPTY, EMPTY, Buffer.from('\n'), Buffer.from('junk')]);
  return { format: 'ar', bytes: Buffer.concat([Buffer.from('!<arch>\n'), ...members, tail]), features };
}

function arMember(name: string, content: Buffer, dice: Dice): Buffer {
  const size = dice.once(20) ? String(content.length).padStart(10) : String(content.length).padEnd(10);
  const mode = dice.pick(['100644', '100644', '644', '', '0', '40755', '120777']).padEnd(8);
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${mode}${size}${dice.once(30) ? '`x' : '`\n'}`;
  const padding = content.length % 2 === 0 || dice.once(20) ? '' : dice.pick(['\n', '\n', '\0', 'x']);
  return Buffer.concat([Buffer.from(header), content, Buffer.from(padding)]);
}

/** Debian packages whose members are in odd orders, of odd names, or there twice. */
export function oddDeb(dice: Dice): OddArchive {
  const data = (content: string) =>
    tar({ name: './', type: '5' }, { name: './usr/', type: '5' }, { name: './usr/a', content });
  const member = (): Buffer => {
    const name = dice.pick([
      'data.tar',
      'data.tar.gz',
      'data.tar/',
      'data.tar.xz',
      'data.tar.new',
      'data.tarball',
      'control.tar',
      '_extra',
      'extra',
      '_gpgorigin',
      'debian-binary',
    ]);
    if (name === 'debian-binary')
      return arMember(name, Buffer.from(dice.pick(['2.0\n', '2.1\n', '3.0\n', '2.0'])), dice);
    if (!name.startsWith('data')) return arMember(name, Buffer.from('some'), dice);
    const content = data(dice.pick(['one', 'two']));
    return arMember(name, dice.once(3) ? gzipSync(content) : content, dice);
  };
  const control = gzipSync(
    tar({ name: './', type: '5' }, { name: './control', content: 'Package: a\nVersion: 1\nArchitecture: all\n' }),
  );
  const start = [
    arMember('debian-binary', Buffer.from('2.0\n'), dice),
    arMember(dice.pick(['control.tar.gz', 'control.tar.gz/']), control, dice),
  ];
  const usual = [...start, arMember(dice.pick(['data.tar', 'data.tar/']), data('one'), dice)];
  const odd = Array.from({ length: dice.below(3) }, member);
  const members = dice.pick([
    [...usual, ...odd],
    [...start, ...odd, ...usual.slice(2)],
    [...start, ...odd],
    [...odd, ...usual],
  ]);
  return { format: 'deb', bytes: Buffer.concat([Buffer.from('!<arch>\n'), ...members]), features: new Set() };
}
