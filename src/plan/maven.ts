const CENTRAL = 'https://repo1.maven.org/maven2';

const COORDINATES = /^maven:([\w.-]+):([\w.-]+):([\w.+-]+)(?::([\w.-]+))?(?:@([\w.-]+))?$/;

/**
 * Where a repository has `maven:group:artifact:version[:classifier][@type]` (Maven's "Repository Layout"); undefined for
 * coordinates that are none, that name no one file, or for a repository that is no URL. `type` is the file's extension.
 */
export function mavenUrl(written: string, repository = CENTRAL): URL | undefined {
  const [, group = '', artifact = '', version = '', classifier, type = 'jar'] = COORDINATES.exec(written) ?? [];
  if (version === '' || isMoving(version) || !/^https?:\/\//i.test(repository) || !URL.canParse(repository))
    return undefined;
  const name = [artifact, version, ...(classifier === undefined ? [] : [classifier])].join('-');
  // A snapshot of one moment is in the folder of all snapshots of its version.
  const folder = version.replace(/-\d{8}\.\d{6}-\d+$/, '-SNAPSHOT');
  const url = new URL(repository);
  url.pathname = [url.pathname.replace(/\/+$/, ''), ...group.split('.'), artifact, folder, `${name}.${type}`].join('/');
  return url;
}

/** A version that is another file tomorrow cannot be fetched again as it was pinned. */
function isMoving(version: string): boolean {
  return /-SNAPSHOT$|^(LATEST|RELEASE)$/i.test(version);
}

export function isMaven(written: string): boolean {
  return written.startsWith('maven:');
}
