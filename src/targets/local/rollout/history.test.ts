import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { layoutOf } from '../layout.js';
import { readHistory, recordDeployment } from './history.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'prestage-history-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('the history of deployments', () => {
  test.each([
    ['nothing', ''],
    ['half a record', '{"release": "0123'],
    ['something else', '{"release": 1}'],
  ])('with %s in a file is an error that names the file and what to do', async (_what, content) => {
    const layout = layoutOf(root);
    await recordDeployment(layout, 'abc', { services: [] });
    expect(await readHistory(layout)).toMatchObject([{ release: 'abc' }]);
    const path = join(layout.deployments, '000002-def.json');
    await writeFile(path, content);
    await expect(readHistory(layout)).rejects.toMatchObject({
      code: 'STORE_INVALID',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Remove that file'),
      context: { path },
    });
  });
});
