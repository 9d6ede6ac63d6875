import { dirname } from 'node:path';
import { type Config, normalizeConfig } from './config.js';
import { findConfig } from './find-config.js';
import { keyText, problemsError } from './problem.js';
import { prototypeProblems } from './prototype-key.js';
import { readConfigFile } from './read/read-config-file.js';
import { ruleProblems } from './rules.js';
import { configSchema } from './schema.js';
import { parseConfig } from './zod-problems.js';

/**
 * The configuration at a path, or the only one in a folder, with every rule checked that needs no other file: `status`
 * and `destroy` work where a source is gone. What must exist is checked by `resolve`.
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, CONFIG_CYCLE
 */
export async function loadConfig(pathOrFolder: string): Promise<Config> {
  const file = await findConfig(pathOrFolder);
  const { data, locate, problems: misread } = await readConfigFile(file);
  const problems = [...misread, ...prototypeProblems(data)];
  const parsed = parseConfig(configSchema, data);
  const rules = parsed.config ? ruleProblems(parsed.config, dirname(file)) : [];
  const told = new Set([...parsed.problems, ...rules].map((problem) => keyText(problem.path)));
  const all = [...parsed.problems, ...rules, ...problems.filter((problem) => !told.has(keyText(problem.path)))];
  if (!parsed.config || all.length > 0) throw problemsError(file, locate, all);
  return normalizeConfig(file, parsed.config, locate);
}
