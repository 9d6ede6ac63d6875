import { join } from 'node:path';
import { type Config, loadConfig, loadPlace } from '../config/index.js';
import type { CommandContext } from '../core/command-context.js';
import { PrestageError } from '../core/errors.js';
import type { Emit } from '../core/events.js';
import { redacted } from '../core/redaction.js';
import { type Environment, isRemote } from '../plan/index.js';
import type { RemotePins } from '../prepare/index.js';
import { type Resolved, resolve } from '../resolve/index.js';
import { openTarget, type Target } from '../targets/index.js';
import { withFreePorts } from './free-ports.js';

/** What every command is given. */
export interface CommandOptions {
  /** The configuration's file or its folder; default: the working folder. */
  config?: string;
  /** The environment's name; default: the only one there is, or `local`. */
  environment?: string;
  emit: Emit;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
  /** Wait for another run's lock, rather than fail with LOCKED. */
  wait?: boolean;
  /**
   * @internal The door of the command line's `test`: the same project in an environment that is in no configuration, on this machine on ports that
   * nobody uses. Under another `name` it has the same files as another release: something to go back from.
   */
  throwAway?: ThrowAway;
}

/** @internal */
export interface ThrowAway {
  environment: Environment;
  /** One that is open already, and holds its lock for several commands. */
  target?: Target;
  name?: string;
}

/** A configuration with the target of one of its environments. */
export interface Project {
  config: Config;
  environment: Environment;
  target: Target;
  context: CommandContext;
}

export async function openProject(options: CommandOptions): Promise<Project> {
  const project = await loadProject(options);
  return { ...project, target: options.throwAway?.target ?? (await targetOf(project)) };
}

/** What is known without asking anybody. */
export async function loadProject(options: CommandOptions): Promise<Omit<Project, 'target'>> {
  const { environment, throwAway } = options;
  const loaded = await loadConfig(options.config ?? process.cwd(), { environment, orFirst: throwAway !== undefined });
  const config = throwAway ? await throwAwayConfig(loaded, throwAway) : loaded;
  return { config, environment: config.environment, context: contextOf(options) };
}

export function targetOf({ config, environment }: Omit<Project, 'target'>): Promise<Target> {
  return openTarget(environment, { configFolder: config.folder, project: config.name });
}

/** Events leave the library here, so here they lose their secrets. */
function contextOf({ emit, signal, wait = false }: CommandOptions): CommandContext {
  return { emit: (event) => emit(redacted(event)), signal, wait };
}

/** What a command needs that works on what is prepared and deployed already. */
export interface DeployedProject {
  name: string;
  /** The configuration's. */
  folder: string;
  environment: Environment;
  target: Target;
  context: CommandContext;
}

/**
 * The target alone, for commands that read no package and no service of the configuration: what is wrong there is a
 * warning, so that a running deployment can be looked at and put back whatever state the file is in.
 */
export async function openDeployed(options: CommandOptions): Promise<DeployedProject> {
  if (options.throwAway) {
    const { config, ...project } = await openProject(options);
    return { name: config.name, folder: config.folder, ...project };
  }
  const { name, folder, environment, fault } = await loadPlace(options.config ?? process.cwd(), options.environment);
  const context = contextOf(options);
  if (fault && !warned.has(options.emit)) {
    warned.add(options.emit);
    context.emit({
      type: 'warning',
      message: fault.message,
      hint: 'This command continues without that part; `deploy` needs it.',
    });
  }
  const target = await openTarget(environment, { configFolder: folder, project: name });
  return { name, folder, environment, target, context };
}

/** A command may look first and act then: it warns once. */
const warned = new WeakSet<Emit>();

async function throwAwayConfig(whole: Config, { environment, name = whole.name }: ThrowAway): Promise<Config> {
  const config = { ...whole, name, environment };
  if (environment.target === 'local') return withFreePorts(config, environment.root);
  if (environment.network.kind === 'own') return config;
  // A network takes no two zones of one name, and the other one may be in use there.
  const { dnsZone: _, ...services } = config.services;
  return { ...config, services };
}

/** Every source pinned by digest, and with that the release's identity. Changes nothing but caches. */
export async function resolveProject(
  project: Omit<Project, 'target'>,
  options: { updateLock?: boolean; offline?: boolean; only?: readonly string[] },
): Promise<Resolved> {
  const { config, context } = project;
  const { emit, signal } = context;
  const cacheFolder = sourceCache(config);
  let pins: Promise<RemotePins> | undefined;
  const openPins = async () => new (await engine()).RemotePins({ cacheFolder, emit, signal });
  try {
    const resolved = await resolve(config, {
      updateLock: options.updateLock ?? false,
      ...(options.only === undefined ? {} : { only: options.only }),
      pinRemote: async (source) => {
        if (options.offline) throw notPinned(source);
        pins ??= openPins();
        return (await pins).pin(source);
      },
      emit,
      signal,
    });
    if (!Object.values(resolved.inputs).some(isRemote)) return resolved;
    return { ...resolved, inputs: await (await engine()).locateCached(resolved.inputs, cacheFolder) };
  } finally {
    await (await pins)?.close();
  }
}

function notPinned({ url, package: id }: { url: string; package: string }): PrestageError {
  return new PrestageError('SOURCE_UNREACHABLE', `${url} is not in prestage.lock, and --offline asks no server.`, {
    hint: 'Run the same command once without --offline, or pin the source with an `integrity` and `prestage deploy`.',
    context: { package: id, url },
  });
}

/** The release is prepared, so copies of its remote sources are not needed. A trial prepares it again, in other roots. */
export async function removeCopies({ config, inputs }: Resolved, options: CommandOptions): Promise<void> {
  if (options.throwAway || !Object.values(inputs).some(isRemote)) return;
  await (await engine()).removeCopies(sourceCache(config), inputs);
}

function sourceCache({ folder }: Config): string {
  return join(folder, '.prestage', 'cache', 'sources');
}

/** The engine, and the HTTP client in it, take longer to load than a deployment that changes nothing takes. */
const engine = () => import('../prepare/index.js');
