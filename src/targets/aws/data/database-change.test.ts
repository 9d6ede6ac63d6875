import { expect, test } from 'vitest';
import { someData } from '../../../../test/aws/template-inputs.js';
import { databaseChange } from './database-change.js';
import type { DataInputs } from './inputs.js';
import { synthesizeData } from './stack.js';

const of = (change: Partial<DataInputs>) => synthesizeData(someData(change)).template;
const postgres = (version: string) => of({ database: { engine: 'postgres', version } });
const mysql = (version: string) => of({ database: { engine: 'mysql', version } });

test.each([
  ['none before and after', undefined, undefined, undefined, 'none', ''],
  ['a new one', undefined, postgres('16'), undefined, 'create', 'new'],
  ['the same', postgres('16'), postgres('16'), '16.6', 'keep', ''],
  // RDS upgrades minor versions by itself, and somebody may have upgraded it by hand: that is no change of the configuration.
  ['the same, upgraded by hand', postgres('16'), postgres('16'), '17.2', 'keep', ''],
  ['none any more', postgres('16'), undefined, undefined, 'retain', 'stays in RDS with its data'],
  [
    'a minor version',
    postgres('16.4'),
    postgres('16.6'),
    '16.4',
    'change',
    'from postgres 16.4 to 16.6; its data stays',
  ],
  ['a minor version that RDS went to by itself', postgres('16'), postgres('16.6'), '16.6', 'change', 'to 16.6'],
  ['a major version', postgres('16'), postgres('17'), '16.6', 'upgrade', 'from postgres 16.6 to 17, after a snapshot'],
  ['a major version of MySQL', mysql('8.0'), mysql('8.4'), '8.0.40', 'upgrade', 'from mysql 8.0.40 to 8.4'],
  [
    'a class',
    postgres('16'),
    of({ instanceClass: 'db.m7g.large' }),
    '16.6',
    'change',
    'its class becomes db.m7g.large',
  ],
  ['a standby', postgres('16'), of({ ha: true }), '16.6', 'change', 'it gets a standby'],
] as const)('%s', (_, before, after, actual, action, detail) => {
  expect(databaseChange(before, after, actual)).toEqual({ action, detail: expect.stringContaining(detail) });
});

test.each([
  [
    'another engine',
    postgres('16'),
    mysql('8.4'),
    '16.6',
    /postgres 16.*cannot become mysql 8\.4: its data would stay in the old one/,
  ],
  ['an older major version', postgres('17'), postgres('16'), '17.2', /postgres 17\.2, and cannot become postgres 16/],
  [
    'an older minor version than RDS went to',
    postgres('16'),
    postgres('16.4'),
    '16.6',
    /cannot go back to an older version/,
  ],
] as const)('%s is refused, since data would be lost or split', (_, before, after, actual, message) => {
  expect(() => databaseChange(before, after, actual)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
  );
});
