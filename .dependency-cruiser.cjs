/** The rooms: imports only point downwards, and no file reaches itself. */
const TEST = '\\.test\\.ts$';

/** From the top; each may import those below it. */
const ROOMS = ['lab', 'shell', 'linux', 'hardware'];

const downwards = ROOMS.slice(1).map((room, i) => ({
  name: `${room}-knows-nothing-above`,
  severity: 'error',
  from: { path: `^engine/${room}/`, pathNot: TEST },
  to: { path: `^engine/(${[...ROOMS.slice(0, i + 1), 'conformance', 'host', 'cli'].join('|')})[/.]` },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Two contracts may name each other as types; nothing may need itself to be loaded.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...downwards,
    {
      name: 'engine-knows-no-window',
      severity: 'error',
      from: { path: '^engine/' },
      to: { path: '^(electron|renderer|e2e)/' },
    },
    {
      name: 'engine-knows-its-host-by-seams',
      severity: 'error',
      from: { path: '^engine/(lab|shell|linux|hardware)/', pathNot: TEST },
      to: { path: '^engine/(host|conformance)/|^engine/cli\\.ts$' },
    },
    {
      name: 'electron-knows-no-page',
      severity: 'error',
      from: { path: '^electron/' },
      to: { path: '^(renderer|e2e)/' },
    },
    {
      name: 'preload-loads-no-engine',
      severity: 'error',
      from: { path: '^electron/(preload|bridge/(channels|contract))' },
      to: { path: '^engine/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'page-knows-the-contract-only',
      severity: 'error',
      from: { path: '^renderer/' },
      to: { path: '^(engine|electron|e2e)/', pathNot: '^electron/bridge/contract\\.ts$' },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(out|dist|node_modules)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.vue', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
