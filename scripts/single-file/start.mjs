#!/usr/bin/env node
// Prestage in one file. Its programs are at the end, packed; the first start unpacks them into the cache of this user.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** The version, and a digest of all that is packed: another file has another folder. */
const NAME = 'prestage-of-this-file';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Node.js 20.19 or newer is needed; this is ${process.version}.`);

const folder = join(cacheFolder(), 'prestage', NAME);
try {
  if (!existsSync(folder)) unpackInto(folder);
} catch (error) {
  fail(`${folder} could not be written (${error.message}). Set XDG_CACHE_HOME to a folder of yours.`);
}
await import(pathToFileURL(join(folder, 'dist/cli.cjs')).href);

function cacheFolder() {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME;
  if (process.platform === 'win32') return process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local');
  return process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
}

/** A folder has its name when all is in it, whatever is killed, and however many start at once. */
function unpackInto(folder) {
  const fresh = `${folder}.${randomUUID()}`;
  try {
    for (const { path, mode, content } of packedFiles()) {
      const file = join(fresh, path);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, content, { mode, flush: true });
    }
    renameSync(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another start was first
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** From the last line, a comment, which costs nothing to read over: a list of the files on one line, then their bytes. */
function packedFiles() {
  const text = readFileSync(fileURLToPath(import.meta.url), 'latin1');
  const bytes = brotliDecompressSync(Buffer.from(text.slice(text.lastIndexOf('\n//') + 3), 'base64'));
  const listEnd = bytes.indexOf('\n');
  let at = listEnd + 1;
  return JSON.parse(bytes.subarray(0, listEnd).toString()).map(({ path, mode, size }) => {
    const content = bytes.subarray(at, at + size);
    at += size;
    return { path, mode, content };
  });
}

function fail(message) {
  process.stderr.write(`prestage: ${message}\n`);
  process.exit(1);
}
