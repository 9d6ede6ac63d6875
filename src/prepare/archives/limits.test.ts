import { expect, test } from 'vitest';
import { Budget } from './limits.js';

const GB = 1_000_000_000;
const place = { archive: 'installer.jar', entry: 'lib/a.jar' };

test('the defaults pass an installer of 1.7 GB, also one that packs a hundredfold', () => {
  const budget = new Budget();
  for (let i = 1; i <= 100_000; i += 1) {
    budget.consumed = (i * 1.7 * GB) / 100_000;
    budget.entry(place);
    budget.size(place, 500_000);
    budget.ratio(place);
    budget.path(place, `${'folder/'.repeat(40)}${'n'.repeat(255)}`);
  }
  expect(() => budget.ratio(place, 170 * GB, 1.7 * GB)).not.toThrow();
});

test('the defaults stop 42.zip, and zbsm.zip of Fifield, by their sizes alone', () => {
  const stopped = (bytes: number, archiveBytes: number) => () => new Budget().ratio(place, bytes, archiveBytes);
  expect(stopped(4_507_981_343_026_016, 42_374)).toThrow(/`limits\.ratio`/);
  expect(stopped(5_461_307_620, 42_374)).toThrow(/128884 times its size, and 1000 times are allowed/);
});
