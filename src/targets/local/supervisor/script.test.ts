import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { statField } from '../../../core/process-identity.js';
import { interpreterOf, scriptCommand } from './script.js';

describe("the interpreter of a script's first line, for Windows", () => {
  test.each([
    ['#!/bin/sh\n', ['sh']],
    ['#!/bin/sh -e\necho', ['sh', '-e']],
    ['#! /usr/bin/perl -w\r\n', ['perl', '-w']],
    ['#!/usr/bin/env node\n', ['node']],
    ['#!/usr/bin/env -S node --enable-source-maps\n', ['node', '--enable-source-maps']],
    ['echo no interpreter\n', []],
    ['#!\n', []],
    ['', []],
  ])('%j is %j', (script, expected) => {
    expect(interpreterOf(script)).toEqual(expected);
  });

  test('elsewhere the system reads that line', () => {
    expect(scriptCommand('/any/script', 'linux')).toEqual({ command: '/any/script', arguments: [] });
  });
});

test("a process's name cannot hide its start time: fields are counted from the last parenthesis", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 15 }), (name) => {
      const stat = `42 (${name}) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 0 0`;
      expect(statField(stat, 3)).toBe('S');
      expect(statField(stat, 5)).toBe('42');
      expect(statField(stat, 22)).toBe('123456');
    }),
  );
});
