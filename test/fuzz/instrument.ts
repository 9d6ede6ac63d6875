import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import ts from 'typescript';

/**
 * For esbuild: has the sources that a filter matches count, in `globalThis.blockCounts`, how often each of their blocks
 * ran. V8 can tell that too, and takes 50 ms to do so, which is many runs; reading an array is nothing.
 */
export function counting(filter: RegExp): Plugin {
  let blocks = 0;
  return {
    name: 'count blocks',
    setup(build) {
      build.onLoad({ filter }, async ({ path }) => {
        const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), {
          fileName: path,
          compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
          transformers: {
            before: [
              transformer(() => {
                blocks += 1;
                return blocks;
              }),
            ],
          },
        });
        return { contents: outputText, loader: 'js' };
      });
    },
  };
}

function transformer(nextBlock: () => number): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context;
    const count = () =>
      factory.createPostfixIncrement(
        factory.createElementAccessExpression(factory.createIdentifier('blockCounts'), nextBlock()),
      );
    const counted = (statements: readonly ts.Statement[]) => [
      factory.createExpressionStatement(count()),
      ...statements,
    ];
    const countedExpression = (expression: ts.Expression) =>
      factory.createParenthesizedExpression(factory.createComma(count(), expression));

    const visit = (node: ts.Node): ts.Node => {
      const visited = ts.visitEachChild(node, visit, context);
      if (ts.isBlock(visited)) return factory.updateBlock(visited, counted(visited.statements));
      if (ts.isCaseClause(visited))
        return factory.updateCaseClause(visited, visited.expression, counted(visited.statements));
      if (ts.isDefaultClause(visited)) return factory.updateDefaultClause(visited, counted(visited.statements));
      if (ts.isArrowFunction(visited) && !ts.isBlock(visited.body)) {
        const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body } = visited;
        const its = countedExpression(body);
        return factory.updateArrowFunction(
          visited,
          modifiers,
          typeParameters,
          parameters,
          type,
          equalsGreaterThanToken,
          its,
        );
      }
      if (ts.isConditionalExpression(visited)) {
        const { condition, questionToken, whenTrue, colonToken, whenFalse } = visited;
        const [one, other] = [countedExpression(whenTrue), countedExpression(whenFalse)];
        return factory.updateConditionalExpression(visited, condition, questionToken, one, colonToken, other);
      }
      if (ts.isBinaryExpression(visited) && SHORT_CIRCUIT.has(visited.operatorToken.kind)) {
        const { left, operatorToken, right } = visited;
        return factory.updateBinaryExpression(visited, left, operatorToken, countedExpression(right));
      }
      if (ts.isIfStatement(visited)) {
        const { expression, thenStatement, elseStatement } = visited;
        return factory.updateIfStatement(
          visited,
          expression,
          asBlock(thenStatement),
          elseStatement && asBlock(elseStatement),
        );
      }
      return visited;
    };
    const asBlock = (statement: ts.Statement) =>
      ts.isBlock(statement) || ts.isIfStatement(statement) ? statement : factory.createBlock(counted([statement]));
    return (file) => ts.visitEachChild(file, visit, context);
  };
}

const SHORT_CIRCUIT = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
]);
