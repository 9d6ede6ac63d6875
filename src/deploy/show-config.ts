import { keyText, loadSettings, type Setting } from '../config/index.js';
import { redacted } from '../core/redaction.js';
import { isSecretName } from '../core/secret-lines.js';
import type { CommandOptions } from './project.js';
import type { ConfigResult } from './results.js';

/**
 * The configuration as it is for an environment: each value, and where it comes from. What nobody else is to read is `***`.
 * @throws CONFIG_NOT_FOUND, CONFIG_AMBIGUOUS, CONFIG_SYNTAX, CONFIG_INVALID, CONFIG_INPUT, CONFIG_CYCLE, ENVIRONMENT_UNKNOWN
 */
export async function showConfig(options: CommandOptions): Promise<ConfigResult> {
  const { config, settings } = await loadSettings(options.config ?? process.cwd(), options);
  const shown = settings.map(({ path, value, references, isSecret, ...setting }) => ({
    path,
    key: keyText(path),
    value: isSecret || hasSecretName({ path, references }) ? '***' : shownValue(value, config.secrets),
    ...setting,
    references: references.map(({ isSecret: _, ...reference }) => reference),
  }));
  return {
    environment: config.environment.name,
    file: config.file,
    config: assembled(shown),
    settings: shown.map(({ path: _, ...setting }) => setting),
  };
}

function hasSecretName({ path, references }: Pick<Setting, 'path' | 'references'>): boolean {
  if (references.some((each) => each.isSecret)) return true;
  return !saysWhereKept(path) && path.some((key) => isSecretName(String(key)));
}

/** `services.api.environment.DB_PASSWORD.file`: where a secret is kept is none. */
function saysWhereKept([room, , variables, , ...rest]: Setting['path']): boolean {
  return room === 'services' && variables === 'environment' && rest.length > 0;
}

/** A text may hold what is a secret elsewhere. */
function shownValue(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value !== 'string') return value;
  return redacted(
    secrets.filter((each) => each.length > 3).reduce((text, each) => text.replaceAll(each, '***'), value),
  );
}

/** The values in the maps and lists that their paths say. */
function assembled(settings: readonly { path: Setting['path']; value: unknown }[]): object {
  const whole: Record<string | number, unknown> = {};
  for (const { path, value } of settings) {
    let map = whole;
    for (const [i, step] of path.slice(0, -1).entries()) {
      map[step] ??= typeof path[i + 1] === 'number' ? [] : {};
      map = map[step] as Record<string | number, unknown>;
    }
    map[path.at(-1) ?? ''] = value;
  }
  return whole;
}
