import {createCipheriv, createSecretKey, hash, randomBytes, verify} from 'node:crypto';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {masterKey} from '../../src/hub/security/master-key.ts';
import {Sealer} from '../../src/hub/security/sealer.ts';
import {SecurityManager} from '../../src/hub/security/security-manager.ts';
import {TokenKeys} from '../../src/hub/security/token-keys.ts';
import {WrappedKeyFolder} from '../../src/hub/security/wrapped-keys.ts';
import {type Bench, type BenchRow, median} from './table.ts';

const EPISODE_BYTES = 2048;
const RUNS = 9;

/** What verifying a token and sealing an episode cost beside the bare functions of Node that they cannot do without. */
export const hubSecurityBench: Bench = {
  name: 'hub-security',
  title: 'Tokens and sealing',
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'godel-bench-'));
    try {
      return [...(await tokenRows(join(folder, 'tokens'))), ...(await sealRows(join(folder, 'seal')))];
    } finally {
      rmSync(folder, {recursive: true});
    }
  },
};

async function tokenRows(folder: string): Promise<BenchRow[]> {
  const keys = TokenKeys.open(folder);
  const security = new SecurityManager({keys, hubId: 'bench'});
  const uncached = new SecurityManager({keys, hubId: 'bench', cacheSize: 0});
  const tokens = await Promise.all(
    Array.from({length: 1000}, (_, index) => security.generateToken(`agent-${index}`, 'tenant')),
  );
  const [token = ''] = tokens;
  const [header = '', claims = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, 'base64url');
  const cached = await compared(20_000, {
    ours: async count => {
      for (let index = 0; index < count; index += 1) await security.verifyToken(tokens[index % 1000] ?? '');
    },
    anchor: count => {
      for (let index = 0; index < count; index += 1) hash('sha256', tokens[index % 1000] ?? '', 'base64');
    },
  });
  const full = await compared(300, {
    ours: async count => {
      for (let index = 0; index < count; index += 1) await uncached.verifyToken(tokens[index % 1000] ?? '');
    },
    anchor: count => {
      for (let index = 0; index < count; index += 1) verify(null, signed, keys.signing.verifying, bytes);
    },
  });
  return [
    row('verify a token again, 1,000 in turn', {...cached, anchorName: 'bare SHA-256', targetUs: 10}),
    row('verify a token for the first time', {...full, anchorName: 'bare Ed25519 verify', targetUs: null}),
  ];
}

async function sealRows(folder: string): Promise<BenchRow[]> {
  const sealer = new Sealer({master: masterKey(randomBytes(32)), keys: new WrappedKeyFolder(folder)});
  const plain = randomBytes(EPISODE_BYTES);
  const sealed = sealer.seal('tenant', 'episode', plain);
  const key = createSecretKey(randomBytes(32));
  const bare = (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12));
      Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    }
  };
  const sealing = await compared(20_000, {
    ours: count => {
      for (let index = 0; index < count; index += 1) sealer.seal('tenant', 'episode', plain);
    },
    anchor: bare,
  });
  const opening = await compared(20_000, {
    ours: count => {
      for (let index = 0; index < count; index += 1) sealer.open('tenant', 'episode', sealed);
    },
    anchor: bare,
  });
  const anchorName = 'bare AES-256-GCM';
  return [
    row('seal an episode of 2 KB', {...sealing, anchorName, targetUs: 20}),
    row('open an episode of 2 KB', {...opening, anchorName, targetUs: 20}),
  ];
}

type Loop = (count: number) => unknown;

/** Microseconds of CPU each, since the machine may be busy with something else: medians of runs that alternate, so that both meet the same machine. */
async function compared(
  count: number,
  {ours, anchor}: {ours: Loop; anchor: Loop},
): Promise<{ours: number; anchor: number}> {
  const times: {ours: number[]; anchor: number[]} = {ours: [], anchor: []};
  for (let run = 0; run <= RUNS; run += 1) {
    for (const [name, loop] of [
      ['ours', ours],
      ['anchor', anchor],
    ] as const) {
      const start = process.cpuUsage();
      await loop(count);
      const {user, system} = process.cpuUsage(start);
      // The first run warms up.
      if (run > 0) times[name].push((user + system) / count);
    }
  }
  return {ours: median(times.ours), anchor: median(times.anchor)};
}

function row(
  what: string,
  {ours, anchor, anchorName, targetUs}: {ours: number; anchor: number; anchorName: string; targetUs: number | null},
): BenchRow {
  return {
    what,
    ours: `${ours.toFixed(1)} µs CPU`,
    anchor: `${anchorName} ${anchor.toFixed(1)} µs`,
    ratio: `${(ours / anchor).toFixed(1)}×`,
    target: targetUs === null ? '–' : `≤ ${targetUs} µs`,
    met: targetUs === null ? null : ours <= targetUs,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await hubSecurityBench.run());
