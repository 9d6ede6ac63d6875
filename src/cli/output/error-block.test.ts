import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import { errorBlock } from './error-block.js';
import { plainStyle } from './text/style.js';

const patchFailed = new PrestageError(
  'PATCH_FAILED',
  'Hunk 2 of patches/10-dnf.patch does not apply to bin/install.sh.',
  {
    hint: 'Make the patch again against what the vendor ships now, or allow more fuzz with `fuzz`.',
    context: {
      package: 'installer',
      step: 3,
      stepKind: 'patch',
      file: 'bin/install.sh',
      line: 42,
      expected: ' #!/bin/sh\n-yum -y install',
      found: '#!/bin/sh\napt install',
      nearestLine: 51,
      log: ['hunk 1 applied', 'hunk 2 failed'],
    },
  },
);

function block(error: PrestageError, width: number): string[] {
  return errorBlock(error, { style: plainStyle, width, verbose: false });
}

test('several errors are shown one after the other, each in full, and last what to do', () => {
  const place = { configFile: 'prestage.config.yaml', configLine: 12 };
  const errors = [
    new PrestageError('STEP_COUNT', 'It found 2 places.', {
      hint: 'Look.',
      context: { package: 'a', step: 1, ...place },
    }),
    new PrestageError('ARCHIVE_INVALID', 'It is cut off.', { context: { package: 'b' } }),
  ];
  const all = new PrestageError('STEP_COUNT', '2 errors:\n- …', { hint: 'Correct them.', errors });
  expect(block(all, 100)).toEqual([
    'error STEP_COUNT: It found 2 places.',
    '  package: a',
    '  step: 1',
    '  configured: prestage.config.yaml:12',
    '  Look.',
    '',
    'error ARCHIVE_INVALID: It is cut off.',
    '  package: b',
    '',
    '2 errors. Correct them.',
  ]);
});

describe('an error', () => {
  test('says what failed, where, what was expected and found, the log, and what to do', () => {
    expect(block(patchFailed, 100)).toEqual([
      'error PATCH_FAILED: Hunk 2 of patches/10-dnf.patch does not apply to bin/install.sh.',
      '  package: installer',
      '  step: 3 (patch)',
      '  file: bin/install.sh:42',
      '  expected:',
      '     #!/bin/sh',
      '    -yum -y install',
      '  found:',
      '    #!/bin/sh',
      '    apt install',
      '  nearestLine: 51',
      '  | hunk 1 applied',
      '  | hunk 2 failed',
      '  Make the patch again against what the vendor ships now, or allow more fuzz with `fuzz`.',
    ]);
  });

  test('is broken at spaces on a narrow terminal', () => {
    const lines = block(patchFailed, 40);
    expect(lines.slice(0, 5)).toEqual([
      'error PATCH_FAILED: Hunk 2 of',
      '  patches/10-dnf.patch does not apply to',
      '  bin/install.sh.',
      '  package: installer',
      '  step: 3 (patch)',
    ]);
    expect(lines.filter((line) => line.length > 40)).toEqual([]);
  });

  test('shows lists of names in a line, and objects not at all', () => {
    const error = new PrestageError('FILES_NOT_READY', 'Release r1 is not ready.', {
      context: { missing: ['a', 'b'], detail: { deep: true } },
    });
    expect(block(error, 100)).toEqual(['error FILES_NOT_READY: Release r1 is not ready.', '  missing: a, b']);
  });

  test('shows where in the code it came from, and its cause, only with --verbose', () => {
    const error = new PrestageError('INTERNAL', 'Oops.', { cause: new TypeError('x is not a function') });
    expect(block(error, 100)).toEqual(['error INTERNAL: Oops.']);
    const verbose = errorBlock(error, { style: plainStyle, width: 100, verbose: true });
    expect(verbose.some((line) => line.includes('error-block.test.ts'))).toBe(true);
    expect(verbose.some((line) => line.includes('TypeError: x is not a function'))).toBe(true);
  });
});
