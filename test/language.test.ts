import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { repository } from './prestage.js';

/** Turns of phrase that a reader has to read twice, each with plain words for it. */
const STOP_LIST: readonly [found: RegExp, plain: string][] = [
  [/\bin vain\b/i, 'without success, timed out'],
  [/\bonce more\b/i, 'again, retrying'],
  [/\bwhoever\b/i, 'everyone who, the user who'],
  [/\bwhosoever|whatsoever|thereof|hereby|thus\b/i, 'leave it out'],
  [/\bvouch/i, 'trust'],
  [/\bmend(s|ed|ing)?\b/i, 'fix, repair'],
  [/\bgoes on (where|from)\b/i, 'resumes, continues'],
  [/\bso many\b/i, 'how many, N'],
  [/\bis had\b/i, 'is there'],
  [/\bnobody known\b/i, 'not known'],
  [/\basked too often\b/i, 'throttled'],
  [/\banew\b/i, 'again'],
  [/\bput right\b/i, 'fix'],
  [/\bsomething else than\b/i, 'something other than'],
];

/** Where the templates of CloudFormation are written. */
const TEMPLATES = /targets.aws.(foundation|data|infrastructure|cdk)./;

/** The texts of the command, its errors and its hints: every text in the code that has a space in it. */
function textsOf(file: string): { line: number; text: string }[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const texts: { line: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node))
      texts.push({ line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1, text: node.text });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return texts.filter(({ text }) => text.includes(' '));
}

const filesIn = (folder: string, options: { recursive?: boolean } = {}) =>
  readdirSync(join(repository, folder), { ...options, encoding: 'utf8' }).map((name) => join(repository, folder, name));

const COMMENT = /^\s*(\/?\*|\/\/)/;

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n');

test('no text that a user reads has a turn of phrase of the stop list', () => {
  // Another description of a security group in a template is another group: it stays as it was.
  const code = filesIn('src', { recursive: true }).filter(
    (file) => /(?<!\.test)\.ts$/.test(file) && !TEMPLATES.test(file),
  );
  const pages = [...filesIn('docs'), ...filesIn('.')].filter((file) => /(?<!CHANGELOG)\.md$/.test(file));
  const texts = [
    ...code.flatMap((file) => textsOf(file).map((each) => ({ file, ...each }))),
    ...pages.flatMap((file) => linesOf(file).map((text, i) => ({ file, line: i + 1, text }))),
  ];
  expect(texts.length).toBeGreaterThan(1000);
  const found = texts.flatMap(({ file, line, text }) =>
    STOP_LIST.flatMap(([stop, plain]) => {
      const [words] = stop.exec(text) ?? [];
      return words === undefined ? [] : [`${relative(repository, file)}:${line}: "${words}"; plain: ${plain}`];
    }),
  );
  expect(found).toEqual([]);
});

test('a comment has no such turn of phrase either, and says what it is about: none begins with "Of"', () => {
  const files = filesIn('src', { recursive: true }).filter((file) => file.endsWith('.ts'));
  const found = files.flatMap((file) =>
    linesOf(file).flatMap((line, i) =>
      /^\s*(\/\*\*|\/\/) Of /.test(line) || (COMMENT.test(line) && STOP_LIST.some(([stop]) => stop.test(line)))
        ? [`${relative(repository, file)}:${i + 1}: ${line.trim()}`]
        : [],
    ),
  );
  expect(found).toEqual([]);
});
