import { afterEach, expect, test, vi } from 'vitest';
import { lacks } from './requirements.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('in CI, a test that needs root says to run as root, which no tool mends', () => {
  vi.stubEnv('CI', 'true');
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  expect(() => lacks('root')).toThrow(/^CI requires .* needs root: run the tests as root on Linux, as CI does$/);
  expect(() => lacks('tmpfs')).toThrow(/as root on Linux, as CI does$/);
});
