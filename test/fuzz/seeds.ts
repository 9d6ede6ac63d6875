import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { iso } from '../archives/iso-builder.js';
import { pax, tar, tarEntry } from '../archives/tar-builder.js';
import { DESCRIPTOR, descriptor, UTF8, zip } from '../archives/zip-builder.js';

const text = 'some text that compresses, '.repeat(60);
const items = [
  { name: 'conf/app.properties', content: text },
  { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o755, unixMode: 0o100755 },
  { name: 'empty', content: '' },
];
const withDescriptor = { name: 'd', content: text, method: 8, flags: UTF8 | DESCRIPTOR };

/** Archives that are made here. */
const built = {
  tar: tar(
    ...items,
    tarEntry({ name: 'l', type: '2', link: 'bin/run' }),
    tarEntry({ name: 'h', type: '1', link: 'empty' }),
    pax({ path: 'größe' }),
    tarEntry({ name: 'x', content: 'x' }),
  ),
  'tar.gz': gzipSync(tar(...items)),
  zip: zip(
    [
      ...items.map((item) => ({ ...item, method: 8 })),
      { ...withDescriptor, descriptor: descriptor(withDescriptor) },
      { name: 'l', content: 'd', unixMode: 0o120777 },
    ],
    { comment: 'c' },
  ),
  iso: iso([
    ...items,
    { name: 'l', link: '../conf/./x' },
    { name: 'n'.repeat(250), content: text },
    { name: 'parts', content: Buffer.alloc(5000, text), partBlocks: 1 },
  ]),
  zip64: zip(items, { zip64: true, prefix: Buffer.from('#!/bin/sh\n') }),
};

/** And those that the formats' own programs made. A new format needs a small file there, and nothing else. */
export function archiveSeeds(repository: string): Record<string, Buffer> {
  return { ...built, ...filesIn(`${repository}/test/archives/seeds`) };
}

export function filesIn(folder: string): Record<string, Buffer> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(`${folder}/${name}`)]));
}
