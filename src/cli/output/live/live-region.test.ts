import { describe, expect, test } from 'vitest';
import { CapturedStream } from '../../../../test/captured.js';
import { LiveRegion } from './live-region.js';

const ESC = '\u001b';

describe('the rows at the bottom of a terminal', () => {
  test('are drawn over each other, and the cursor is hidden while there are some', () => {
    const stream = new CapturedStream(true);
    const region = new LiveRegion(stream);
    region.draw(['a 1%', 'b 2%']);
    region.draw(['a 3%']);
    region.draw([]);
    expect(stream.text).toBe(
      `a 1%\nb 2%\n${ESC}[?25l` + `${ESC}[2A\r${ESC}[Ja 3%\n${ESC}[?25l` + `${ESC}[1A\r${ESC}[J${ESC}[?25h`,
    );
  });

  test('stay below lines that stay', () => {
    const stream = new CapturedStream(true);
    const region = new LiveRegion(stream);
    region.draw(['a 1%']);
    region.draw(['a 2%'], ['b is ready']);
    expect(stream.text.split(`${ESC}[J`)[1]).toBe(`b is ready\na 2%\n${ESC}[?25l`);
  });

  test('are not drawn again where nothing changed', () => {
    const stream = new CapturedStream(true);
    const region = new LiveRegion(stream);
    region.draw(['a 1%']);
    const { text } = stream;
    region.draw(['a 1%']);
    expect(stream.text).toBe(text);
  });

  test('leave a terminal alone that never had any', () => {
    const stream = new CapturedStream(true);
    new LiveRegion(stream).draw([]);
    new LiveRegion(stream).draw([], ['a line']);
    expect(stream.text).toBe('a line\n');
  });

  test('are found again when the terminal was made narrower and broke them', () => {
    const stream = new CapturedStream(true, 20);
    const region = new LiveRegion(stream);
    region.draw(['x'.repeat(19), 'short']);
    Object.assign(stream, { columns: 10 });
    region.draw(['new']);
    expect(stream.text).toContain(`${ESC}[3A\r`);
  });
});
