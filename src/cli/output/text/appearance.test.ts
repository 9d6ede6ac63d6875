import { describe, expect, test } from 'vitest';
import { CapturedStream } from '../../../../test/captured.js';
import { hasUnicode, isLive, styleFor } from './appearance.js';
import { colourStyle, plainStyle } from './style.js';

const flags = { color: true, quiet: false, json: false };
const terminal = new CapturedStream(true);

describe('live progress and colour', () => {
  test.each([
    ['on a terminal', terminal, flags, {}, true, true],
    ['with an empty NO_COLOR, which means nothing', terminal, flags, { NO_COLOR: '' }, true, true],
    ['with NO_COLOR', terminal, flags, { NO_COLOR: '0' }, false, false],
    ['with TERM=dumb', terminal, flags, { TERM: 'dumb' }, false, false],
    ['with --no-color', terminal, { ...flags, color: false }, {}, false, false],
    ['with --quiet', terminal, { ...flags, quiet: true }, {}, false, true],
    ['with --json', terminal, { ...flags, json: true }, {}, false, true],
    ['in a pipe', new CapturedStream(), flags, {}, false, false],
  ])('%s', (_, stream, flags, env, live, colour) => {
    expect(isLive(stream, flags, env)).toBe(live);
    expect(styleFor(stream, flags, env)).toBe(colour ? colourStyle : plainStyle);
  });
});

test.each([
  [{ LANG: 'en_US.UTF-8' }, 'linux', true],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, 'linux', false],
  [{ LC_CTYPE: 'C.utf8' }, 'linux', true],
  [{}, 'linux', false],
  [{ WT_SESSION: 'x' }, 'win32', true],
  [{}, 'win32', false],
] as const)('%j on %s has more than ASCII: %s', (env, platform, expected) => {
  expect(hasUnicode(env, platform)).toBe(expected);
});
