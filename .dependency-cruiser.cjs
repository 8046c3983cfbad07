/**
 * The import table of docs/architecture.md as rules: who may import whom inside src/, no cycles, and one door per
 * third-party package.
 */
const table = {
  base: [],
  model: ['base'],
  plan: ['base', 'model'],
  chaos: ['base', 'model', 'plan'],
  config: ['base', 'model'],
  wire: ['base', 'model'],
  store: ['base', 'model'],
  federation: ['base', 'model', 'plan'],
  simulation: ['base', 'model', 'plan', 'federation'],
  runtimes: ['base', 'model'],
  os: ['base', 'model'],
  workspace: ['base', 'model', 'os'],
  project: ['base', 'model', 'os'],
  host: ['base', 'model', 'wire', 'os', 'project', 'runtimes', 'workspace'],
  api: ['base', 'model', 'wire'],
  daemon: [
    'base',
    'model',
    'plan',
    'config',
    'wire',
    'store',
    'federation',
    'os',
    'project',
    'api',
    'runtimes',
    'workspace',
    'host',
  ],
  tui: ['base', 'model', 'api'],
  cli: [
    'base',
    'model',
    'plan',
    'chaos',
    'config',
    'os',
    'project',
    'simulation',
    'federation',
    'api',
    'tui',
    'runtimes',
    'workspace',
  ],
};

const doors = {
  ws: '^src/wire/',
  'better-sqlite3': '^src/(store/sqlite|daemon/admission)',
  'p-queue': '^src/host/',
  '@dagrejs/graphlib': '^src/plan/dependency-resolver',
  commander: '^src/cli/',
  'ink|react': '^src/tui/',
  'hono|@hono/node-server': '^src/api/',
  opossum: '^src/host/edge-breakers',
  pino: '^src/daemon/log',
  yaml: '^src/(plan|config)/',
  picomatch: '^src/workspace/',
  tinyglobby: '^src/workspace/',
  '@agentclientprotocol/sdk': '^src/runtimes/acp',
  zod: '^src/(plan|config|wire|api)/',
};

const forbidden = [
  {name: 'no-cycles', severity: 'error', from: {path: '^src'}, to: {circular: true}},
  {name: 'src-stays-inside', severity: 'error', from: {path: '^src'}, to: {path: '^(test|scripts|bin)/'}},
  ...Object.entries(table).map(([folder, allowed]) => ({
    name: `imports-of-${folder}`,
    severity: 'error',
    from: {path: `^src/${folder}/`},
    to: {path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/`},
  })),
  ...Object.entries(doors).map(([name, door]) => ({
    name: `door-of-${name.replaceAll(/[^a-z0-9-]/g, '_')}`,
    severity: 'error',
    from: {path: '^src', pathNot: door},
    to: {path: `node_modules/(${name})/`},
  })),
];

module.exports = {
  forbidden,
  options: {
    doNotFollow: {path: 'node_modules'},
    tsPreCompilationDeps: true,
    tsConfig: {fileName: 'tsconfig.json'},
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
