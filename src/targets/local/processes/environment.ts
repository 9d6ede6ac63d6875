/**
 * What a host's scripts inherit of the machine: where things are, and how to speak; nothing of the person who deploys.
 * Anything else a script needs is in its service's `environment`.
 */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|TMP|TEMP|JAVA_HOME|SYSTEMROOT|SYSTEMDRIVE|COMSPEC|PATHEXT|WINDIR|USERPROFILE|APPDATA|LOCALAPPDATA|PROGRAMDATA|NUMBER_OF_PROCESSORS)$/i;

/** For a process that fetches sources: how to reach them, and how they let it in. */
const NETWORK = /^((HTTPS?|NO|ALL)_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|NETRC|DOCKER_CONFIG|AWS_\w+)$/i;

/** `fetches`: for a process that fetches sources, the variables with logins that the configuration names. */
export function inheritedEnvironment(
  from: NodeJS.ProcessEnv,
  { fetches }: { fetches: readonly string[] | undefined },
): Record<string, string> {
  const isWanted = (name: string) =>
    INHERITED.test(name) || (fetches !== undefined && (NETWORK.test(name) || fetches.includes(name)));
  const entries = Object.entries(from).filter(([name]) => isWanted(name));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
