import { nearest } from '../../core/nearest.js';
import type { Problem } from '../problem.js';
import type { EnvironmentValues } from './environment-values.js';
import type { Scalar } from './references.js';
import { missingProblem } from './resolve-references.js';

/**
 * The values as a configuration that is a function is given them. A name that is none throws: it would be `undefined` in
 * some text. What is wrong with a value is a problem, and it is not there.
 */
export function givenValues(values: EnvironmentValues): {
  given: Readonly<Record<string, Scalar>>;
  missing: Problem[];
} {
  const missing: Problem[] = [];
  const known = new Map<string | symbol, Scalar>();
  for (const name of values.names) {
    const found = values.find({ kind: 'values', name });
    if ('value' in found) known.set(name, found.value);
    else if (!('unknown' in found)) missing.push(missingProblem(found, values.placeOf(name)));
  }
  const get = (target: Record<string, Scalar>, key: string | symbol): unknown => {
    if (known.has(key) || typeof key === 'symbol' || key === 'toJSON' || key === 'then')
      return Reflect.get(target, key);
    const meant = nearest(key, values.names);
    const instead = meant === undefined ? `there are: ${values.names.join(', ') || 'none'}` : `did you mean ${meant}?`;
    throw new Error(`there is no value ${key}; ${instead}`);
  };
  return { given: new Proxy(Object.fromEntries(known), { get }), missing };
}
