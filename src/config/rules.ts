import { resolve } from 'node:path';
import { withoutCredentials } from '../core/errors.js';
import { nearest } from '../core/nearest.js';
import { findCycle, isMaven, parseSource } from '../plan/index.js';
import { defaultRoot, destinationOf } from './defaults.js';
import { describe, type Problem } from './problem.js';
import type { ParsedConfig } from './schema.js';
import { serverName } from './schema-servers.js';

/** What no value can say of itself: names that refer to each other, and places that only one may have. */
export function ruleProblems(config: ParsedConfig): Problem[] {
  return [
    ...sourceProblems(config),
    ...serverProblems(config),
    ...destinationProblems(config),
    ...scriptProblems(config),
    ...runProblems(config),
    ...copyProblems(config),
    ...healthProblems(config),
    ...secretProblems(config),
    ...passwordProblems(config),
    ...nameProblems(config),
    ...referenceProblems(config),
    ...cycleProblems(config),
    ...jumpProblems(config),
    ...portProblems(config),
    ...awsProblems(config),
  ];
}

function sourceProblems(config: ParsedConfig): Problem[] {
  const withLogin = new Set(Object.keys(config.servers ?? {}).map(serverName));
  return Object.entries(config.packages).flatMap(([id, { source: written, integrity, ...beside }]): Problem[] => {
    const path = ['packages', id, 'source'];
    const source = parseSource(written, beside);
    const found = describe(withoutCredentials(written));
    const odd = oddBeside(written, beside);
    if (odd !== undefined)
      return [{ path: ['packages', id, odd], expected: `no ${odd} beside this source`, found: describe(beside[odd]) }];
    if (!source && written.startsWith('oci:')) return [{ path, expected: OCI_FORM, found }];
    if (!source && isMaven(written)) return [{ path, expected: MAVEN_FORM, found }];
    if (!source)
      return [
        { path, expected: 'the path of a file or a folder, https://…, s3://bucket/key, maven:… or oci://…', found },
      ];
    const byHttp = source.kind === 'http' ? source.url.protocol === 'http:' : beside.endpoint?.startsWith('http:');
    if (byHttp && integrity === undefined) {
      const expected = 'https://…, or an integrity beside http://, where anyone on the way may change the bytes';
      return source.kind === 'http'
        ? [{ path, expected, found }]
        : [{ path: ['packages', id, 'endpoint'], expected, found: describe(beside.endpoint) }];
    }
    if (source.kind === 'http' && source.url.protocol === 'http:' && withLogin.has(source.url.host))
      return [
        { path, expected: `https://…, since ${source.url.host} is under servers, and no login goes over http`, found },
      ];
    return [];
  });
}

const BESIDE = ['repository', 'layer', 'platform', 'endpoint', 'profile'] as const;

/** What says more of one kind of source than its address does. */
function oddBeside(written: string, beside: Pick<ParsedConfig['packages'][string], (typeof BESIDE)[number]>) {
  const fits = {
    repository: isMaven(written),
    layer: written.startsWith('oci:'),
    platform: written.startsWith('oci:'),
    endpoint: written.startsWith('s3:'),
    profile: written.startsWith('s3:'),
  };
  return BESIDE.find((key) => beside[key] !== undefined && !fits[key]);
}

const OCI_FORM = 'oci://registry/repository with :tag or @sha256:<64 hex digits>';

const MAVEN_FORM =
  'maven:group:artifact:version[:classifier][@type], with a version that stays the same file (of a snapshot: 1.2-20260101.120000-3)';

/** One server has one place for what is set for it, however it is spelt. */
function serverProblems({ servers = {} }: ParsedConfig): Problem[] {
  const written = Object.keys(servers);
  return written.flatMap((server, i): Problem[] => {
    const other = written.slice(0, i).find((each) => serverName(each) === serverName(server));
    if (other === undefined) return [];
    return [{ path: ['servers', server], expected: 'a server of its own', found: `that of ${describe(other)}` }];
  });
}

/** Where a release keeps what is its own. */
const RESERVED = ['.prestage', 'release.json'];

function destinationProblems(config: ParsedConfig): Problem[] {
  const taken: { id: string; destination: string }[] = [];
  return Object.entries(config.packages).flatMap(([id, written]): Problem[] => {
    const destination = destinationOf(id, written);
    const path = written.destination === undefined ? ['packages', id] : ['packages', id, 'destination'];
    const [top = ''] = destination.split('/');
    if (top.startsWith('.prestage') || RESERVED.includes(top)) {
      return [
        {
          path,
          expected: `a destination that does not begin with ${RESERVED.join(' or ')}, which a release uses itself`,
          found: describe(destination),
        },
      ];
    }
    const other = taken.find((each) => holds(each.destination, destination) || holds(destination, each.destination));
    taken.push({ id, destination });
    if (!other) return [];
    const relation =
      other.destination === destination ? 'the same as' : holds(other.destination, destination) ? 'inside' : 'around';
    return [
      {
        path,
        expected: 'a destination of its own',
        found: `${describe(destination)}, ${relation} that of ${other.id} (${describe(other.destination)})`,
      },
    ];
  });
}

function holds(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

function scriptProblems({ services = {} }: ParsedConfig): Problem[] {
  return Object.entries(services)
    .filter(([, service]) => service.role !== 'jump' && service.boot === undefined && service.run === undefined)
    .map(([name]) => ({ path: ['services', name], expected: 'boot, run or both', found: 'neither' }));
}

/** What is about `run` alone. */
function runProblems({ services = {} }: ParsedConfig): Problem[] {
  return Object.entries(services).flatMap(([name, service]) =>
    (['stop', 'restart', 'logs'] as const)
      .filter((key) => service[key] !== undefined && service.run === undefined)
      .map((key) => ({ path: ['services', name, key], expected: `a run beside ${key}`, found: 'none' })),
  );
}

/** Nothing is in a release but packages, each at its destination. */
function copyProblems({ services = {}, packages }: ParsedConfig): Problem[] {
  const destinations = Object.entries(packages).map(([id, written]) => destinationOf(id, written));
  return Object.entries(services).flatMap(([name, { files = {} }]) =>
    Object.entries(files)
      .filter(([, from]) => !destinations.some((destination) => `${from}/`.startsWith(`${destination}/`)))
      .map(([to, from]) => ({
        path: ['services', name, 'files', to],
        expected: `a path in a package of the release (${destinations.slice(0, 12).join(', ') || 'there is none'})`,
        found: describe(from),
        nearest: nearest(from, destinations),
      })),
  );
}

function healthProblems({ services = {} }: ParsedConfig): Problem[] {
  const what = { health: 'which asks there', allow: 'which lets in there' };
  return Object.entries(services).flatMap(([name, service]) =>
    (['health', 'allow'] as const)
      .filter((key) => service[key] !== undefined && service.port === undefined)
      .map((key) => ({
        path: ['services', name, key],
        expected: `a port beside ${key}, ${what[key]}`,
        found: 'none',
      })),
  );
}

/** `prestage logs` takes the name of a service, of a host (`api-1`), `database` or `worker`. */
/** Where a host can read a secret, by its target. */
const SECRETS_OF = { local: ['file', 'command'], aws: ['secret', 'parameter'] };

/** A worker on AWS has no variables of the one who deploys, and nothing that is secret goes there in a job. */
function passwordProblems({ packages, environments = {} }: ParsedConfig): Problem[] {
  const onAws = Object.entries(environments).find(([, { target }]) => target === 'aws')?.[0];
  if (onAws === undefined) return [];
  return Object.entries(packages)
    .filter(([, { password }]) => password !== undefined)
    .map(([id]) => ({
      path: ['packages', id, 'password'],
      expected: `no password with environment ${onAws}, whose worker on AWS does not have your variables: unpack the archive first`,
      found: 'one',
    }));
}

/** A configuration is checked for one environment at a time. */
function secretProblems({ services = {}, environments = { local: { target: 'local' } } }: ParsedConfig): Problem[] {
  return Object.entries(environments).flatMap(([environment, { target }]) =>
    Object.entries(services).flatMap(([service, { environment: variables = {} }]) =>
      Object.entries(variables).flatMap(([name, value]): Problem[] => {
        if (typeof value !== 'object' || SECRETS_OF[target].some((kind) => kind in value)) return [];
        const kinds = SECRETS_OF[target].map((kind) => `{${kind}}`).join(' or ');
        const found = `{${Object.keys(value)[0]}}`;
        const path = ['services', service, 'environment', name];
        return [{ path, expected: `${kinds}, as ${environment} has the target ${target}`, found }];
      }),
    ),
  );
}

function nameProblems({ services = {} }: ParsedConfig): Problem[] {
  return Object.keys(services).flatMap((name): Problem[] => {
    const path = ['services', name];
    if (name === 'worker' || name === 'database') {
      return [{ path, expected: 'another name', found: `${name}, which is what Prestage calls its own` }];
    }
    const [, service = '', index = ''] = /^(.+)-(\d+)$/.exec(name) ?? [];
    const count = Object.hasOwn(services, service) ? (services[service]?.count ?? 1) : 0;
    if (Number(index) >= count || String(Number(index)) !== index) return [];
    return [
      {
        path,
        expected: 'another name',
        found: `${name}, which is the name of host ${index} of the service ${service}`,
      },
    ];
  });
}

function referenceProblems({ services = {}, packages }: ParsedConfig): Problem[] {
  return Object.entries(services).flatMap(([name, { needs = [], after = [] }]) => [
    ...needs.flatMap((id, i) => unknownName(['services', name, 'needs', i], id, Object.keys(packages), 'package')),
    ...after.flatMap((other, i) =>
      unknownName(['services', name, 'after', i], other, Object.keys(services), 'service'),
    ),
  ]);
}

function unknownName(path: (string | number)[], name: string, names: string[], what: string): Problem[] {
  if (names.includes(name)) return [];
  const expected =
    names.length === 0
      ? `the name of a ${what} (there is none)`
      : `a ${what} (${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''})`;
  return [{ path, expected, found: describe(name), nearest: nearest(name, names) }];
}

function cycleProblems({ services = {} }: ParsedConfig): Problem[] {
  const cycle = findCycle(
    new Map(
      Object.entries(services).map(([name, { after = [] }]) => [
        name,
        after.filter((each) => Object.hasOwn(services, each)),
      ]),
    ),
  );
  if (!cycle) return [];
  const path = ['services', cycle[0] ?? '', 'after'];
  return [
    {
      path,
      expected: 'services that do not wait for each other',
      found: `the circle ${cycle.join(' → ')}`,
      code: 'CONFIG_CYCLE',
    },
  ];
}

function jumpProblems({ services = {}, mode }: ParsedConfig): Problem[] {
  const jumps = Object.entries(services).filter(([, service]) => service.role === 'jump');
  const [first, second] = jumps;
  const several: Problem[] = second
    ? [
        {
          path: ['services', second[0], 'role'],
          expected: `one jump service (there is ${first?.[0]})`,
          found: `${jumps.length}`,
        },
      ]
    : [];
  const none: Problem[] =
    mode === 'single-phase' && !first
      ? [
          {
            path: ['mode'],
            expected: 'a service with role: jump, which prepares the files in single-phase mode',
            found: 'none',
          },
        ]
      : [];
  const counted = jumps
    .filter(([, service]) => (service.count ?? 1) !== 1)
    .map(([name, service]) => ({
      path: ['services', name, 'count'],
      expected: '1 for a jump service',
      found: String(service.count),
    }));
  return [...several, ...none, ...counted];
}

/** On the local target all hosts share one address, so a port can have one service only. */
function portProblems({ services = {}, environments }: ParsedConfig): Problem[] {
  if (environments && !Object.values(environments).some((environment) => environment.target === 'local')) return [];
  const owners = new Map<number, string>();
  return Object.entries(services).flatMap(([name, { port }]): Problem[] => {
    if (port === undefined) return [];
    const owner = owners.get(port);
    if (owner === undefined) owners.set(port, name);
    return owner === undefined
      ? []
      : [{ path: ['services', name, 'port'], expected: 'a port of its own', found: `${port}, the port of ${owner}` }];
  });
}

/** Each environment has files of its own. */
export function rootProblems(environments: NonNullable<ParsedConfig['environments']>, folder: string): Problem[] {
  const owners = new Map<string, string>();
  return Object.entries(environments).flatMap(([name, environment]): Problem[] => {
    if (environment.target !== 'local') return [];
    const root = resolve(folder, environment.root ?? defaultRoot(name));
    const written = environment.root ?? '';
    if (/^~(\/|$)/.test(written)) {
      const expected = 'a path without ~, which only a shell reads as the home folder';
      return [{ path: ['environments', name, 'root'], expected, found: describe(written) }];
    }
    const owner = owners.get(root);
    if (owner === undefined) owners.set(root, name);
    return owner === undefined
      ? []
      : [{ path: ['environments', name, 'root'], expected: 'a root of its own', found: `that of ${owner}` }];
  });
}

function awsProblems(config: ParsedConfig): Problem[] {
  return Object.entries(config.environments ?? {}).flatMap(([name, environment]): Problem[] => {
    if (environment.target !== 'aws') return [];
    const path = ['environments', name];
    const { vpc, instanceTypes } = environment;
    const unknown = Object.keys(instanceTypes?.services ?? {}).filter((service) => !config.services?.[service]);
    const twice = Object.entries(environment.services ?? {})
      .filter(([service, { instanceType }]) => instanceType && instanceTypes?.services?.[service] !== undefined)
      .map(([service]) => service);
    return [
      ...(vpc && environment.vpcCidr !== undefined
        ? [{ path: [...path, 'vpcCidr'], expected: 'either vpcCidr, for a VPC of its own, or vpc', found: 'both' }]
        : []),
      ...(vpc && environment.nat !== undefined
        ? [
            {
              path: [...path, 'nat'],
              expected: 'no nat beside vpc, whose routes are its own',
              found: describe(environment.nat),
            },
          ]
        : []),
      ...(vpc && config.database && vpc.workerSubnets.length < 2
        ? [{ path: [...path, 'vpc', 'workerSubnets'], expected: 'two subnets, which a database needs', found: 'one' }]
        : []),
      ...twice.map((service) => ({
        path: [...path, 'services', service, 'instanceType'],
        expected: `either instanceType or instanceTypes.services.${service}`,
        found: 'both',
      })),
      ...unknown.map((service) => ({
        path: [...path, 'instanceTypes', 'services', service],
        expected: 'the name of a service',
        found: describe(service),
        nearest: nearest(service, Object.keys(config.services ?? {})),
      })),
    ];
  });
}
