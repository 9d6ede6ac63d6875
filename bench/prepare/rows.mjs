import { join } from 'node:path';
import { bigFiles, jar, pythonEnvironment, smallFiles } from './inputs.mjs';
import { inFreshFolder, makeProject, makeRemoteProject, peer, peerOfS3, prestage, setSource, shell } from './runs.mjs';
import { withS3 } from './s3.mjs';

const MIB = 1024 ** 2;
const deploy = 'deploy --prepare-files-only';

/** Ours, and then the peer, each in a fresh root. The digests of the sources are not known to ours from before. */
const wholeJob = (makeInput, { slow }) =>
  async function* (runs) {
    const archive = await makeInput();
    for (let run = 0; run < runs; run++)
      yield { ours: await prepared([archive], { slow }), other: await byPeer(archive, { slow }) };
  };

function prepared(archives, { slow }) {
  return inFreshFolder({ slow }, async ({ scratch, folder }) => {
    const project = await makeProject(join(scratch, 'project'), join(folder, 'root'), archives);
    return prestage(project, deploy);
  });
}

function byPeer(archive, { slow }) {
  return inFreshFolder({ slow }, ({ scratch, folder }) => peer(archive, join(folder, 'root'), scratch));
}

/** What S3 gives a connection, and a machine all together, in bytes a second. */
const LINE = { each: 90e6, all: 1e9 };

/** Twenty archives of 100 MB. */
async function twentyOfS3() {
  const archives = [];
  // One after the other: the content of each is in memory.
  for (let i = 0; i < 20; i++) archives.push(await bigFiles({ bytes: 200e6, seed: `s3-${i}` }));
  return archives;
}

const oneOfS3 = async () => [await bigFiles({ bytes: 4e9 })];

/**
 * Archives on an S3 server of this machine, whose digests the server was not told. As far away as S3 is, they are pinned: that is
 * what a worker on AWS fetches.
 */
const fromS3 = (makeArchives, { line } = {}) =>
  async function* (runs) {
    const archives = await makeArchives();
    yield* withS3(
      archives,
      async function* (environment) {
        for (let run = 0; run < runs; run++) {
          yield {
            ours: await inFreshFolder({ slow: false }, async ({ scratch, folder }) =>
              prestage(
                await makeRemoteProject(join(scratch, 'project'), join(folder, 'root'), archives, {
                  isPinned: line !== undefined,
                }),
                deploy,
                environment,
              ),
            ),
            other: await inFreshFolder({ slow: false }, ({ scratch, folder }) =>
              peerOfS3(archives, join(folder, 'root'), scratch, environment),
            ),
          };
        }
      },
      { line },
    );
  };

/** The same work ten times, beside once: both ours. */
const tenfold = (makeOne, makeTen) =>
  async function* (runs) {
    const [one, ten] = [await makeOne(), await makeTen()];
    for (let run = 0; run < runs; run++)
      yield { ours: await prepared([ten], { slow: false }), other: await prepared([one], { slow: false }) };
  };

const twenty = (count = 20) =>
  Promise.all(Array.from({ length: count }, (_, i) => smallFiles({ count: 2498, folders: 50, seed: `package-${i}` })));

async function* nothingChanged(runs) {
  const archives = await twenty();
  const times = [];
  await inFreshFolder({ slow: false }, async ({ scratch, folder }) => {
    const project = await makeProject(join(scratch, 'project'), join(folder, 'root'), archives);
    await settledDigests(project);
    for (let run = 0; run < runs; run++) times.push(await prestage(project, deploy));
  });
  for (const ours of times) yield { ours };
}

async function* oneOfTwentyChanged(runs) {
  const archives = await twenty();
  const pairs = [];
  await inFreshFolder({ slow: false }, async ({ scratch, folder }) => {
    const project = await makeProject(join(scratch, 'project'), join(folder, 'root'), archives);
    await settledDigests(project);
    for (let run = 0; run < runs; run++) {
      const fresh = await smallFiles({ count: 2498, folders: 50, seed: `change-${run}` });
      setSource(project, 7, fresh);
      pairs.push({ ours: await prestage(project, deploy), other: await prepared([fresh], { slow: false }) });
    }
  });
  yield* pairs;
}

/** Digests are remembered of files that were left alone for two seconds, so the first run may not keep them. */
async function settledDigests(project) {
  await prestage(project, deploy);
  await prestage(project, deploy);
}

async function* verifyDeep(runs) {
  const archive = await smallFiles({ count: 3000, folders: 60 });
  for (let run = 0; run < runs; run++) {
    const pair = {};
    const verified = async (who, work) => {
      pair[who] = await inFreshFolder({ slow: true }, async ({ scratch, folder }) => {
        const backing = join(scratch, 'backing', 'root');
        await prestage(await makeProject(join(scratch, 'fill'), backing, [archive]), deploy);
        return work({ scratch, root: join(folder, 'root') });
      });
    };
    await verified('ours', async ({ scratch, root }) =>
      prestage(await makeProject(join(scratch, 'project'), root, [archive]), 'verify --deep'),
    );
    await verified('other', ({ root }) =>
      shell(`cd '${root}/trees' && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >/dev/null`),
    );
    yield pair;
  }
}

const faster = (times) => ({ must: `${times}× faster`, met: ({ ratio }) => ratio >= times });
const small = () => smallFiles({ count: 3000, folders: 60 });
const python = () => pythonEnvironment({ count: 8000 });

/** Each yields pairs of runs: ours, and what it is measured against. `ratio` is that one's time by ours. */
export const rows = [
  {
    name: 'small-latency',
    title: '3,000 small files, tar.gz, latencyfs',
    ...faster(20),
    pairs: wholeJob(small, { slow: true }),
  },
  {
    name: 'small-local',
    title: '3,000 small files, tar.gz, local disk',
    ...faster(1),
    pairs: wholeJob(small, { slow: false }),
  },
  {
    name: 'jar-local',
    title: 'jar of 4,000 entries, 150 MB, local disk',
    ...faster(1.5),
    pairs: wholeJob(() => jar({ count: 4000, bytes: 150e6 }), { slow: false }),
  },
  {
    name: 'big-local',
    title: 'tar.gz of 8 files, 1 GiB, local disk',
    ...faster(1.2),
    pairs: wholeJob(() => bigFiles({ bytes: 1024 * MIB }), { slow: false }),
  },
  {
    name: 'python-local',
    title: '8,000 files as of Python, tar.gz, local disk',
    ...faster(1),
    pairs: wholeJob(python, { slow: false }),
  },
  {
    name: 'python-latency',
    title: '8,000 files as of Python, tar.gz, latencyfs',
    ...faster(20),
    pairs: wholeJob(python, { slow: true }),
  },
  {
    name: 's3',
    title: '20 packages of tar.gz, 2 GB, from an S3 server on this machine',
    ...faster(1.3),
    pairs: fromS3(twentyOfS3),
  },
  {
    name: 's3-line',
    title: 'the same with 90 MB/s a connection, 1 GB/s in all',
    ...faster(1.5),
    pairs: fromS3(twentyOfS3, { line: LINE }),
  },
  {
    name: 's3-one',
    title: 'one tar.gz of 2 GB, from an S3 server with 90 MB/s a connection, 1 GB/s in all',
    ...faster(1.5),
    pairs: fromS3(oneOfS3, { line: LINE }),
  },
  {
    name: 'nothing-changed',
    title: 'nothing changed, 20 packages, 50,000 files',
    must: 'under 0.5 s',
    met: ({ ours }) => ours < 500,
    pairs: nothingChanged,
  },
  {
    name: 'one-changed',
    title: 'one package of twenty changed (beside: that package alone)',
    must: 'that one + 0.3 s',
    met: ({ ours, other }) => ours < other + 300,
    pairs: oneOfTwentyChanged,
  },
  { name: 'verify-latency', title: 'verify --deep of 3,000 files, latencyfs', ...faster(20), pairs: verifyDeep },
  {
    name: 'files-tenfold',
    title: '30,000 small files (beside: 3,000), local disk',
    must: 'time × 10 at most',
    met: ({ ratio }) => ratio >= 0.1,
    pairs: tenfold(small, () => smallFiles({ count: 30_000, folders: 600 })),
  },
  {
    name: 'bytes-tenfold',
    title: 'tar.gz of 1 GiB (beside: a tenth of it), local disk',
    must: 'time × 10 at most',
    met: ({ ratio }) => ratio >= 0.1,
    pairs: tenfold(
      () => bigFiles({ bytes: 102 * MIB }),
      () => bigFiles({ bytes: 1024 * MIB }),
    ),
  },
];
