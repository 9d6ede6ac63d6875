import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SmallFileWriter } from './file-writer.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prestage-writer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// Up to 64 KiB a file may be written at once; what is larger is always the thread pool's.
for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 3 * 1024 * 1024]) {
  test(`a file of ${size} bytes has its content and mode`, async () => {
    const writer = new SmallFileWriter();
    const content = Buffer.alloc(size, 'content ');
    for (const mode of [0o644, 0o755, 0o600, 0o777]) {
      const path = join(folder, `${mode}`);
      await writer.create(path, content, mode);
      expect((await readFile(path)).equals(content)).toBe(true);
      expect((await stat(path)).mode & 0o7777).toBe(mode);
    }
  });

  test(`a file of ${size} bytes follows no link`, async () => {
    const writer = new SmallFileWriter();
    await writeFile(join(folder, 'there'), 'before');
    for (const target of ['there', 'elsewhere']) {
      const link = join(folder, `link to ${target}`);
      await symlink(join(folder, target), link);
      await expect(writer.create(link, Buffer.alloc(size), 0o644)).rejects.toMatchObject({ code: 'ELOOP' });
    }
    expect(await readFile(join(folder, 'there'), 'utf8')).toBe('before');
    expect((await readdir(folder)).sort()).toEqual(['link to elsewhere', 'link to there', 'there']);
  });
}
