import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { BUILD_MS, buildTypes } from './build.js';
import { repository } from './prestage.js';

/** The TypeScript in the docs, by the page and the line where it begins. */
function examples(): Map<string, string> {
  const pages = ['README.md', 'src/index.ts', ...readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`)];
  const found = new Map<string, string>();
  for (const page of pages.filter((name) => /\.(md|ts)$/.test(name))) {
    const text = readFileSync(join(repository, page), 'utf8').replace(/^ \* ?/gm, '');
    for (const { index, 1: code = '' } of text.matchAll(/^```ts\n(.*?)^```/gms)) {
      found.set(`${page}:${text.slice(0, index).split('\n').length}`, code);
    }
  }
  return found;
}

/** What the compiler says of programs by their place, where `prestage` is what the package declares. */
function complaints(programs: ReadonlyMap<string, string>): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    paths: { prestage: [join(repository, 'dist/types/index.d.ts')] },
    skipLibCheck: true,
  };
  const places = [...programs.keys()];
  const fileOf = (place: string) => join(repository, `example-${places.indexOf(place)}.mts`);
  const codes = new Map(places.map((place) => [fileOf(place), programs.get(place) ?? '']));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => codes.has(name) || fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const code = codes.get(name);
    return code === undefined ? getSourceFile(name, version, ...rest) : ts.createSourceFile(name, code, version);
  };
  const program = ts.createProgram([...codes.keys()], options, host);
  return places.flatMap((place) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(fileOf(place)))
      .map(({ messageText }) => `${place}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
  );
}

beforeAll(buildTypes, BUILD_MS);

test('the examples of the library in the docs compile', () => {
  const found = examples();
  expect([...found.keys()].map((place) => place.split(':')[0])).toEqual(
    expect.arrayContaining(['src/index.ts', 'docs/configuration.md', 'docs/versions.md']),
  );
  found.set('one that does not', "import { deploi } from 'prestage';\n");
  expect(complaints(found)).toEqual([expect.stringContaining('one that does not: \'"prestage"\' has no exported')]);
});
