import { expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import { annotation } from './annotations.js';

const error = (context: Record<string, string | number>, message = 'It failed: a, b\n100%') =>
  new PrestageError('STEP_NO_EFFECT', message, { context });

test.each<[string, PrestageError, string]>([
  [
    'at its line, with what GitHub takes for its own escaped',
    error({ configFile: '/w/a,b/prestage.config.yaml', configLine: 7, file: 'conf/x', line: 3 }),
    '::error file=a%2Cb/prestage.config.yaml,line=7,title=STEP_NO_EFFECT::It failed: a, b%0A100%25',
  ],
  [
    'at the line of a configuration that is wrong itself',
    error({ file: '/w/prestage.config.yaml', line: 2 }, 'x'),
    '::error file=prestage.config.yaml,line=2,title=STEP_NO_EFFECT::x',
  ],
  [
    'without a place that is not in the repository',
    error({ file: '/elsewhere/x', line: 2 }, 'x'),
    '::error title=STEP_NO_EFFECT::x',
  ],
  ['without control characters', error({}, 'a\u001b[31mb'), '::error title=STEP_NO_EFFECT::a\\x1b[31mb'],
])('an error is shown %s', (_, shown, expected) => {
  expect(annotation(shown, '/w')).toBe(expected);
});
