import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTarGz, writeZip } from './archive-files.mjs';

/** Made once on a machine, the same bytes on every one. Part of the name: what they are made by. */
const cache = join(tmpdir(), 'prestage-bench-inputs-1');
const MIB = 1024 ** 2;

/** `count` small files in `folders` folders: scripts, classes and settings of 0.5 to 16 KiB. */
export function smallFiles({ count, folders, seed = 'small' }) {
  return input(
    `small-${seed}-${count}-${folders}.tar.gz`,
    writeTarGz,
    (content) =>
      range(count).map((i) => ({
        path: `app/module-${i % folders}/part-${i}.txt`,
        mode: i % 10 === 0 ? 0o755 : 0o644,
        chunks: [content.take(Math.round(512 * 32 ** content.fraction()))],
      })),
    seed,
  );
}

/** A jar: `count` entries, `bytes` in all. */
export function jar({ count, bytes }) {
  return input(`installer-${count}-${bytes}.jar`, writeZip, (content) =>
    range(count).map((i) => ({
      path: `app/com/vendor/p${i % 120}/C${i}.class`,
      // Three of a hundred hold half of it, as libraries in an installer do.
      chunks: [content.take(Math.round(i % 33 === 0 ? bytes / 2 / Math.ceil(count / 33) : bytes / 2 / count))],
    })),
  );
}

/** Big files of 128 MiB. */
export function bigFiles({ bytes, seed }) {
  const name = seed === undefined ? `big-${bytes}.tar.gz` : `big-${seed}-${bytes}.tar.gz`;
  return input(
    name,
    writeTarGz,
    (content) =>
      range(Math.ceil(bytes / (128 * MIB))).map((i) => ({
        path: `app/data/volume-${i}.bin`,
        mode: 0o644,
        chunks: range(Math.min(128 * MIB, bytes - i * 128 * MIB) / MIB).map(() => content.take(MIB)),
      })),
    seed ?? name,
  );
}

/** As an environment of Python is: deep, half of it compiled modules beside their source, and some large libraries. */
export function pythonEnvironment({ count }) {
  return input(`python-${count}.tar.gz`, writeTarGz, (content) =>
    range(count).map((i) => {
      const module = i >> 1;
      const folder = `app/lib/python3.12/site-packages/dist${module % 90}/sub${module % 7}`;
      if (i % 400 === 0) return { path: `${folder}/_native${i}.so`, mode: 0o755, chunks: [content.take(2 * MIB)] };
      const path = i % 2 === 0 ? `${folder}/m${module}.py` : `${folder}/__pycache__/m${module}.cpython-312.pyc`;
      return { path, mode: 0o644, chunks: [content.take(Math.round(200 * 160 ** content.fraction()))] };
    }),
  );
}

/** What each archive begins with, and what is changed in it: one file by a patch, one by a replacement. */
const changed = [
  { path: 'app/conf/app.properties', mode: 0o644, chunks: [Buffer.from('color=red\nmode=plain\n')] },
  { path: 'app/bin/start.sh', mode: 0o755, chunks: [Buffer.from('#!/bin/sh\nyum -y install jre\n')] },
];

async function input(name, write, describe, seed = name) {
  const path = join(cache, name);
  if (!existsSync(path)) {
    await mkdir(cache, { recursive: true });
    await write(path, [...changed, ...describe(contentOf(seed))]);
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk); // and so it is in memory
  return { path, name, sha256: hash.digest('hex') };
}

/** Bytes that gzip makes half as long, as it does with programs: noise and text by turns. */
function contentOf(seed) {
  const key = createHash('sha256').update(seed).digest();
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(MIB);
  const text = Buffer.from('  if (context.isEnabled()) { return registry.lookup(name, options); }\n'.repeat(64));
  return {
    take(bytes) {
      const content = noise.update(zeros.length >= bytes ? zeros.subarray(0, bytes) : Buffer.alloc(bytes));
      for (let at = 0; at < bytes; at += 2048) text.copy(content, at, 0, Math.min(1024, bytes - at));
      return content;
    },
    fraction: () => noise.update(Buffer.alloc(4)).readUInt32LE() / 2 ** 32,
  };
}

const range = (count) => Array.from({ length: count }, (_, i) => i);
