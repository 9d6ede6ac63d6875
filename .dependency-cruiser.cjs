/**
 * The rooms of src/ and the direction of imports (docs/architecture.md): a room imports from the rooms after
 * it in this list, never from those before it, and only through the other room's index.ts.
 */
const rooms = [
  'cli',
  'starter',
  'deploy',
  'resolve',
  'config',
  'targets',
  'agent',
  'prepare',
  'store',
  'plan',
  'remote',
  'core',
];

const downward = rooms.slice(1).map((room, i) => ({
  name: `${room}-imports-down`,
  comment: `${room}/ must not know who uses it, so that each room can be read, tested and replaced alone.`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${rooms.slice(0, i + 1).join('|')}|index\\.ts)(/|$)` },
}));

/** Where the library and the programs begin, and what schema/prestage.schema.json is made of (by its test). */
const starts = '^src/(index|cli/start|cli/main|agent/main|targets/local/supervisor/main|config/json-schema)\\.c?ts$';

module.exports = {
  forbidden: [
    ...downward,
    {
      name: 'through-the-index',
      comment:
        "A room's public face is its index.ts; what is behind it may change without asking. core/ is a shelf, not a room.",
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: {
        path: '^src/(?!core/)([^/]+)/.+',
        pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', '^src/targets/(local|aws)/index\\.ts$'],
      },
    },
    {
      name: 'no-circles',
      comment: 'Two files that need each other are one idea, or hide a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-test-code-in-src',
      comment: 'What ships must not need what tests.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$|^test/' },
    },
    {
      name: 'no-file-for-tests-alone',
      comment: 'What no program of ours reaches is either dead or helps tests; helpers of tests live in test/.',
      severity: 'error',
      from: { path: starts },
      to: { path: '^src/', pathNot: [starts, '\\.test\\.ts$', '\\.d\\.ts$'], reachable: false },
    },
    {
      name: 'only-declared-dependencies',
      comment: 'What package.json does not name is not in what we ship, or comes in whatever version it likes.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      // It calls whatever is in `peerDependenciesMeta` undeclared, too.
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
