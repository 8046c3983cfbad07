import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {EmbedderSettings} from '../../src/hub/recall/open-embedder.ts';
import {FederationHubServer} from '../../src/hub/server/federation-hub-server.ts';
import {challengesOf} from './challenges.ts';
import {seedOf} from './choose.ts';
import {type HubAccess, liveGeneration, type Run} from './generation.ts';
import type {Work} from './task.ts';

/** shared: with the hub. unseen: with the hub, at tasks of which nothing is ever stored. alone: the tasks of `shared`, without the hub. */
export const LINES = ['shared', 'unseen', 'alone'] as const;
export type Line = (typeof LINES)[number];

export interface Measured {
  readonly line: Line;
  readonly seed: number;
  /** From 1. */
  readonly generation: number;
  readonly runs: readonly Run[];
}

export interface ExperimentOptions {
  readonly work: readonly Work[];
  readonly seed: number;
  readonly generations: number;
  /** Tasks of each family and generation. */
  readonly perFamily: number;
  readonly unseenPerFamily: number;
  readonly embedder: EmbedderSettings;
  readonly atOnce: number;
  readonly lines: readonly Line[];
  /** What every generation but the first is given instead of the hub; for showing that it is the hub that matters. */
  readonly afterFirst?: (hub: HubAccess) => HubAccess | null;
  readonly onMeasured?: (measured: Measured) => void;
}

const VECTORS_MS = 300_000;
const LOOK_MS = 20;

/** A hub of its own on the loopback address, and the generations one after the other. */
export async function experiment(options: ExperimentOptions): Promise<readonly Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'godel-learning-'));
  const server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: options.embedder});
  try {
    await server.start();
    return await generations(server, options);
  } finally {
    await server.stop();
    rmSync(folder, {recursive: true, force: true});
  }
}

async function generations(server: FederationHubServer, options: ExperimentOptions): Promise<readonly Measured[]> {
  const {work, seed, perFamily, unseenPerFamily, atOnce, lines, afterFirst = (hub: HubAccess) => hub} = options;
  const shared: HubAccess = {
    endpoint: `ws://127.0.0.1:${server.address?.port ?? 0}`,
    tenantId: 'learners',
    token: agentId => server.security.generateToken(agentId, 'learners'),
  };
  const measured: Measured[] = [];
  const unseen = challengesOf(seed, {work, perFamily: unseenPerFamily, wording: 'unseen'});
  for (let generation = 1; generation <= options.generations; generation += 1) {
    const hub = generation === 1 ? shared : afterFirst(shared);
    const known = challengesOf(seedOf(seed, generation), {work, perFamily, wording: 'known'});
    const live = async (line: Line) => {
      if (!lines.includes(line)) return;
      const runs = await liveGeneration(line === 'unseen' ? unseen : known, {
        seed: seedOf(seed, line === 'unseen' ? 'unseen' : generation),
        hub: line === 'alone' ? null : hub,
        leaves: line !== 'unseen',
        atOnce,
      });
      const each = {line, seed, generation, runs};
      measured.push(each);
      options.onMeasured?.(each);
    };
    await live('alone');
    // Before its own generation has stored anything: it is asked what that generation was asked.
    await live('unseen');
    await live('shared');
    await vectorsMade(server);
  }
  return measured;
}

/** Vectors follow what is stored a little later; the next generation is born when they are there. */
async function vectorsMade(server: FederationHubServer): Promise<void> {
  const until = performance.now() + VECTORS_MS;
  while (server.getStats().unembedded > 0) {
    if (performance.now() > until) throw new Error(`the hub did not make its vectors within ${VECTORS_MS} ms`);
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
}
