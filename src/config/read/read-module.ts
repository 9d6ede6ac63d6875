import { pathToFileURL } from 'node:url';
import { PrestageError } from '../../core/errors.js';
import { defineConfig } from '../define-config.js';
import { parseLiteral } from './js-literal.js';
import { placesIn } from './literal.js';
import type { ForEnvironment, SourceFile } from './source-file.js';
import { syntaxError } from './syntax-error.js';

/**
 * Runs a configuration that is a program and takes its default export, or what that makes for an environment.
 * @throws CONFIG_SYNTAX
 */
export async function readModule(file: string, text: string, environment: string): Promise<SourceFile> {
  let loaded: unknown;
  try {
    loaded = await whileAlive(() => (file.endsWith('.ts') ? importTypeScript(file) : importJavaScript(file)));
  } catch (cause) {
    throw loadError(file, cause);
  }
  const places = placesIn(text, parseLiteral(text));
  if (typeof loaded === 'function') {
    const forEnvironment = callable(file, loaded as ConfigFunction);
    return { data: await forEnvironment(environment), forEnvironment, ...places, problems: [] };
  }
  if (typeof loaded !== 'object' || loaded === null) {
    const found = loaded === undefined ? 'none' : `a ${typeof loaded}`;
    throw syntaxError(
      file,
      undefined,
      `expected the configuration as its default export, found ${found}`,
      'Write `export default defineConfig({ … })`, or `defineConfig(({ environment, values }) => ({ … }))`.',
    );
  }
  return { data: loaded, ...places, problems: [] };
}

type ConfigFunction = (context: { environment: string; values: object }) => unknown;

/**
 * In place of the values while none is known, because the function that is to have them says what they are: whatever is
 * done with it gives itself, or an empty text.
 */
const UNKNOWN: Readonly<Record<string, unknown>> = new Proxy(() => UNKNOWN, {
  get: (_, key) => {
    if (key === Symbol.toPrimitive) return () => '';
    if (key === Symbol.iterator) return () => [].values();
    return key === 'then' ? undefined : UNKNOWN;
  },
}) as unknown as Readonly<Record<string, unknown>>;

function callable(file: string, make: ConfigFunction): ForEnvironment {
  return async (environment, values = UNKNOWN) => {
    try {
      return await whileAlive(async () => make({ environment, values }));
    } catch (cause) {
      if (values === UNKNOWN) {
        const { message } = cause instanceof Error ? cause : { message: String(cause) };
        throw syntaxError(
          file,
          lineOf(file, cause, message),
          `the function threw while no value was known: ${message}`,
          'It is called once to read `environments`, `inputs` and `values`, and again with the values. Check values in the texts that use them, or not at all.',
          cause,
        );
      }
      throw cause instanceof PrestageError ? cause : loadError(file, cause);
    }
  };
}

/** A module that awaits what never comes lets Node run out of work: without a listener the process would just end. */
async function whileAlive<T>(work: () => Promise<T>): Promise<T> {
  let listener = () => {};
  const idle = new Promise<never>((_, reject) => {
    listener = () => reject(new Error('it waits for something that never comes (a top-level await)'));
    process.once('beforeExit', listener);
  });
  try {
    return await Promise.race([work(), idle]);
  } finally {
    process.off('beforeExit', listener);
  }
}

async function importJavaScript(file: string): Promise<unknown> {
  return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
}

/** By jiti, since Node 20 runs no TypeScript. `prestage` is this program, whether or not the project has installed it. */
async function importTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(file, {
    moduleCache: false,
    interopDefault: false,
    virtualModules: { prestage: { defineConfig } },
  });
  return (await jiti.import<{ default?: unknown }>(file)).default;
}

function loadError(file: string, cause: unknown) {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = (cause as { code?: unknown } | null)?.code;
  if (code === 'ERR_MODULE_NOT_FOUND' && /package 'prestage'/.test(message)) {
    return syntaxError(
      file,
      undefined,
      "it imports 'prestage', which is not installed in this project",
      'Install Prestage in this project (`npm pack` in its clone, then `npm install --save-dev <that file>` here), rename the file to prestage.config.ts, or export the object without defineConfig.',
      cause,
    );
  }
  const [first = message] = message
    .replace(`${file}: `, '')
    .replace(/^ParseError: /, '')
    .split('\n');
  return syntaxError(
    file,
    lineOf(file, cause, message),
    first.trim(),
    'Correct the file; `node --check` shows the place of a syntax error in JavaScript.',
    cause,
  );
}

/** From the first frame in the file, or from Babel's "(12:3)". */
function lineOf(file: string, cause: unknown, message: string): number | undefined {
  const babel = /\((\d+):\d+\)/.exec(message);
  if (babel) return Number(babel[1]);
  const stack = cause instanceof Error ? (cause.stack ?? '') : '';
  for (const name of [file, pathToFileURL(file).href]) {
    const at = stack.indexOf(`${name}:`);
    const line = at === -1 ? Number.NaN : Number.parseInt(stack.slice(at + name.length + 1), 10);
    if (line > 0) return line;
  }
  return undefined;
}
