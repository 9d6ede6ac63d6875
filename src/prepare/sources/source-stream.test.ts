import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceStream } from './source-stream.js';

async function* chunksOf(chunks: readonly Uint8Array[], onEnd: () => void = () => {}): AsyncGenerator<Buffer> {
  try {
    for (const chunk of chunks) yield Buffer.from(chunk);
  } finally {
    onEnd();
  }
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const chunk of stream) read.push(chunk);
  return Buffer.concat(read);
}

test('shows its beginning, and still gives every byte once, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), fc.nat(100), async (chunks, count) => {
      const all = Buffer.concat(chunks);
      const stream = new SourceStream(chunksOf(chunks));
      expect(await stream.head(count)).toEqual(all.subarray(0, count));
      expect(await stream.head(2 * count)).toEqual(all.subarray(0, 2 * count));
      expect(await readAll(stream)).toEqual(all);
    }),
  );
});

test('goes on where a reader stopped, and ends when it is drained', async () => {
  let ended = false;
  const stream = new SourceStream(
    chunksOf([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')], () => {
      ended = true;
    }),
  );
  for await (const chunk of stream) if (chunk.toString() === 'a') break;
  expect(ended).toBe(false);
  await stream.drain();
  expect(ended).toBe(true);
});

test('tells what its end shows to be wrong when it is drained', async () => {
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('a');
    throw new Error('wrong digest');
  };
  await expect(new SourceStream(failing()).drain()).rejects.toThrow('wrong digest');
});

test('lets go of its source when it is closed', async () => {
  let ended = false;
  const stream = new SourceStream(
    chunksOf([Buffer.from('a'), Buffer.from('b')], () => {
      ended = true;
    }),
  );
  await stream.head(1);
  await stream.close();
  expect(ended).toBe(true);
});
