import { posix } from 'node:path';
import { parse } from 'yaml';
import { asName } from './names.js';
import type { ProposedService } from './proposal.js';

/** What a file for Docker Compose says of services. */
export interface ComposeFile {
  path: string;
  services: ComposeService[];
  /** Why nothing is said. */
  fault?: string;
}

export interface ComposeService {
  name: string;
  /** `tomcat` of `docker.io/library/tomcat:10`. */
  image?: string;
  version?: string;
  after: string[];
  port?: number;
  /** The path that its check asks for. */
  health?: string;
}

export function readCompose(path: string, text: string): ComposeFile {
  let services: unknown;
  try {
    services = (parse(text) as { services?: unknown } | null)?.services;
  } catch {
    return { path, services: [], fault: 'it is not valid YAML' };
  }
  if (typeof services !== 'object' || services === null) return { path, services: [], fault: 'it has no services' };
  return {
    path,
    services: Object.entries(services as Record<string, WrittenService | null>).map(([name, service]) => {
      const { ports, depends_on: needs, healthcheck, image } = service ?? {};
      const after = Array.isArray(needs) ? needs.map(String) : Object.keys(needs ?? {});
      const [port, health] = [hostPort(Array.isArray(ports) ? ports[0] : undefined), healthPath(healthcheck?.test)];
      return {
        name: asName(name),
        ...imageOf(image),
        after: after.map(asName),
        ...(port !== undefined && { port }),
        ...(health !== undefined && { health }),
      };
    }),
  };
}

interface WrittenService {
  image?: unknown;
  ports?: unknown;
  depends_on?: unknown[] | Record<string, unknown>;
  healthcheck?: { test?: unknown };
}

/**
 * Gives the services that scripts run what Compose says of those of the same name or image: port, check, order.
 * @returns what it says of all others, as comments. An image is no program that a host runs: which script does that is for a
 * person to say
 */
export function addCompose(services: readonly ProposedService[], files: readonly ComposeFile[]): string[] {
  const all = files.flatMap((file) => file.services);
  const ours = new Map<ComposeService, ProposedService>();
  for (const found of all) {
    const isSame = ({ name }: ProposedService) => name === found.name || name === found.image;
    const service = services.find(
      (each) => each.run !== undefined && isSame(each) && ![...ours.values()].includes(each),
    );
    if (service) ours.set(found, service);
  }
  for (const [{ name, port, after, health }, service] of ours) {
    service.about = `${name} of ${files.find((file) => file.services.some((each) => each.name === name))?.path}`;
    const names = [...ours].flatMap(([other, { name }]) => (after.includes(other.name) ? [name] : []));
    if (names.length > 0) service.after = names;
    if (port !== undefined) Object.assign(service, { port, ...(health !== undefined && { health }) });
  }
  return files.flatMap((file) => hintsOf(file, new Set(ours.keys())));
}

function hintsOf({ path, services, fault }: ComposeFile, ours: ReadonlySet<ComposeService>): string[] {
  if (fault !== undefined) return [`Nothing was taken from ${path}: ${fault}.`];
  const others = services.filter((service) => !ours.has(service));
  const databases = others.flatMap((service) => databaseOf(service) ?? []);
  const programs = others.filter((service) => databaseOf(service) === undefined);
  return [
    ...databases.map((line) => `As ${path} has it, a database: its own key beside \`services\`, ${line}`),
    ...(programs.length === 0
      ? []
      : [`As ${path} has them; \`run\` is a script that starts the program without its image:`]),
    ...programs.map(serviceHint),
  ];
}

function serviceHint({ name, after, port, health }: ComposeService): string {
  const keys = [
    `run: hosts/${name}-run.sh`,
    ...(after.length === 0 ? [] : [`after: [${after.join(', ')}]`]),
    ...(port === undefined ? [] : [`port: ${port}`]),
    ...(port === undefined || health === undefined ? [] : [`health: { http: ${health} }`]),
  ];
  return `${name}: { ${keys.join(', ')} }`;
}

const ENGINES: Record<string, string> = { postgres: 'postgres', postgresql: 'postgres', mysql: 'mysql' };

function databaseOf({ image = '', version }: ComposeService): string | undefined {
  const engine = ENGINES[image];
  // PostgreSQL's version is one number.
  const [, major] = (engine === 'postgres' ? /^(\d+)/ : /^(\d+\.\d+)/).exec(version ?? '') ?? [];
  if (engine === undefined) return undefined;
  return `database: { engine: ${engine}${major === undefined ? '' : `, version: "${major}"`} }`;
}

function imageOf(written: unknown): Pick<ComposeService, 'image' | 'version'> {
  if (typeof written !== 'string') return {};
  const [image = '', version] = posix.basename(written.replace(/@.*$/, '')).split(':');
  return { image, ...(version !== undefined && { version }) };
}

/** `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, `{published: 8080}`. */
function hostPort(port: unknown): number | undefined {
  if (typeof port === 'object' && port !== null)
    return Number((port as { published?: unknown }).published) || undefined;
  const [, found] = /(\d{1,5})(?::\d{1,5})?(?:\/\w+)?$/.exec(String(port ?? '')) ?? [];
  return Number(found) || undefined;
}

function healthPath(test: unknown): string | undefined {
  const text = Array.isArray(test) ? test.join(' ') : String(test ?? '');
  const [, path] = /https?:\/\/[^/\s'"]+(\/[\w./-]*)/.exec(text) ?? [];
  return path;
}
