/**
 * The import rules of the project (ARCHITECTURE.md, "Layers"), type-only imports included. `test/imports.test.ts` shows that
 * each of them can fail.
 */

/** `from` may reach nothing of the project's layers but `may`. */
const layer = (name, from, may) => ({
  name,
  comment: `${from} imports only ${may.join(', ')} of the project`,
  severity: 'error',
  from: { path: `^${from}/` },
  to: { path: '^(src|systems|test|bench)/', pathNot: may.map((folder) => `^${folder}/`) },
});

/** The tables of the command line that name systems. */
const tables = '^src/cli/(systems|gateways|simulations|explorations|plants|audits)\\.ts$';

/** A file that is a door or in the room behind it. */
const door = (names) => `^systems/([^/]+)/(${names})(\\.ts$|/)`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    layer('spec-stands-alone', 'src/spec', ['src/spec']),
    layer('protocol-knows-spec', 'src/protocol', ['src/protocol', 'src/spec']),
    layer('network-knows-spec', 'src/network', ['src/network', 'src/spec']),
    layer('host-knows-network-and-spec', 'src/host', ['src/host', 'src/network', 'src/spec']),
    layer('client-knows-host-network-and-spec', 'src/client', ['src/client', 'src/host', 'src/network', 'src/spec']),
    layer('refinement-knows-what-it-judges', 'src/refinement', [
      'src/refinement',
      'src/host',
      'src/network',
      'src/protocol',
      'src/spec',
    ]),
    {
      name: 'src-names-no-system',
      comment: "only the command line's tables name systems",
      severity: 'error',
      from: { path: '^src/', pathNot: tables },
      to: { path: '^systems/' },
    },
    {
      name: 'systems-are-islands',
      comment: 'no system imports another',
      severity: 'error',
      from: { path: '^systems/([^/]+)/' },
      to: { path: '^systems/', pathNot: '^systems/$1/' },
    },
    {
      name: 'systems-stand-below-the-command-line',
      comment: 'a system works without the command line',
      severity: 'error',
      from: { path: '^systems/' },
      to: { path: '^(src/cli|test|bench)/' },
    },
    {
      name: 'host-never-imports-what-judges-it',
      comment: 'a host that reaches the model that judges it, on whatever way, makes the check empty',
      severity: 'error',
      from: { path: door('host') },
      to: { reachable: true, path: '^systems/[^/]+/(protocol|spec|invariants|history|refinement)(\\.ts$|/)' },
    },
    {
      name: 'host-knows-no-judge',
      comment: 'nor does it reach the judges themselves',
      severity: 'error',
      from: { path: door('host') },
      to: { reachable: true, path: '^src/refinement/' },
    },
    {
      name: 'judge-never-imports-the-host',
      comment: 'refinement.ts alone knows both sides',
      severity: 'error',
      from: { path: door('protocol|spec|invariants|history') },
      to: { reachable: true, path: '^systems/[^/]+/(host|refinement)(\\.ts$|/)' },
    },
    {
      name: 'no-cycles',
      comment: 'files that need each other are one file, or lack a third; type-only imports count',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'package-loads-without-the-test-runner',
      comment: 'only who imports ironkeel/vitest needs vitest',
      severity: 'error',
      from: { path: '^(src|systems)/', pathNot: '^src/vitest/' },
      to: { path: '(^|/)node_modules/(vitest|@vitest)/' },
    },
    {
      name: 'nothing-stands-on-the-test-runner',
      comment: 'ironkeel/vitest is a door: nothing else of the package goes through it',
      severity: 'error',
      from: { path: '^(src|systems)/', pathNot: '^src/vitest/' },
      to: { path: '^src/vitest/' },
    },
    {
      name: 'prelude-alone-names-fp-ts',
      comment: "its paths are strict under Node's ES modules, and stand once; io-ts' codecs are named directly",
      severity: 'error',
      from: { path: '^(src|systems)/', pathNot: '^src/spec/prelude\\.ts$' },
      to: { path: '(^|/)node_modules/fp-ts/' },
    },
    {
      name: 'imports-resolve',
      comment: 'every import names a file or a package that is there',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'package-lists-what-it-uses',
      comment: 'what the package needs at run time is in its dependencies',
      severity: 'error',
      from: { path: '^(src|systems)/', pathNot: '^src/vitest/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.ironkeel)/' },
    // Type-only imports are seen too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
