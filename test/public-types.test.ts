import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';
import { BUILD_MS, buildTypes } from './build.js';
import { repository } from './prestage.js';

const types = join(repository, 'dist/types');

beforeAll(buildTypes, BUILD_MS);

test('the public names and types are those of test/public-types.golden; to accept a change: npx vitest run test/public-types.test.ts -u', async () => {
  await expect(publicTypes()).toMatchFileSnapshot('public-types.golden');
});

test('what is only for the command line and for tests is not public', () => {
  expect(publicTypes()).not.toMatch(/throwAway|adapt|deserialize|serializeWithOrigin/);
});

/** All that the package's declarations promise: its names, and each declaration of ours that they lead to, without comments. */
function publicTypes(): string {
  const program = ts.createProgram([join(types, 'index.d.ts')], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const printer = ts.createPrinter({ removeComments: true });
  const index = program.getSourceFile(join(types, 'index.d.ts'));
  const face = index && checker.getSymbolAtLocation(index);
  if (!face) throw new Error(`${types} holds no index.d.ts`);

  const found = new Set<ts.Declaration>();
  const follow = (symbol: ts.Symbol) => {
    const origin = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    for (const declaration of origin.declarations ?? []) {
      if (found.has(declaration) || !isOurs(declaration)) continue;
      found.add(declaration);
      visit(declaration);
    }
  };
  const visit = (node: ts.Node): void => {
    const named = ts.isTypeReferenceNode(node) ? node.typeName : ts.isTypeQueryNode(node) ? node.exprName : undefined;
    const symbol = named ?? (ts.isExpressionWithTypeArguments(node) ? node.expression : undefined);
    if (symbol) {
      const meant = checker.getSymbolAtLocation(symbol);
      if (meant) follow(meant);
    }
    ts.forEachChild(node, visit);
  };

  const exported = checker.getExportsOfModule(face);
  for (const symbol of exported) follow(symbol);
  const texts = [...found].map((declaration) => {
    const textOf = (node: ts.Node) => printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile());
    const text = textOf(inOneOrder(statementOf(declaration), textOf));
    return withoutMeanings(text.replace(/^export (declare )?|^declare /, ''));
  });
  const names = exported.map((symbol) => symbol.name).sort();
  return `// What is public, as the compiler sees it. Written by test/public-types.test.ts; see docs/versions.md.

export { ${names.join(', ')} };

${[...new Set(texts)].sort().join('\n\n')}
`;
}

/**
 * The compiler prints the members of a type that it inferred, and of a union, in the order in which it met them elsewhere. That
 * order means nothing, and differs between versions of the compiler; so they are sorted.
 */
function inOneOrder(root: ts.Node, textOf: (node: ts.Node) => string): ts.Node {
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isTypeLiteralNode(node)) return ts.factory.createTypeLiteralNode(sorted(node.members));
    if (ts.isUnionTypeNode(node)) return ts.factory.createUnionTypeNode(sorted(node.types));
    return ts.visitEachChild(node, visit, undefined);
  };
  const sorted = <T extends ts.Node>(nodes: readonly T[]): T[] => {
    const texts = nodes.map((node) => visit(node) as T).map((node) => ({ node, text: textOf(node) }));
    return texts.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ node }) => node);
  };
  return visit(root);
}

/** The tables of codes have their meanings as literal types; words may change in any version. */
function withoutMeanings(text: string): string {
  if (!/^const (ERRORS|ARCHIVE_REASONS)\b/.test(text)) return text;
  return text.replace(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?=;|\n? *\])/g, 'string');
}

/** Declarations of types' parameters and members come with what they are in. */
function isOurs(declaration: ts.Declaration): boolean {
  return declaration.getSourceFile().fileName.startsWith(types) && isTopLevel(statementOf(declaration));
}

function isTopLevel(node: ts.Node): boolean {
  return ts.isStatement(node) && ts.isSourceFile(node.parent) && !ts.isImportDeclaration(node);
}

/** `const x` is a declaration in a list in a statement; others are their own statement. */
function statementOf(declaration: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
}
