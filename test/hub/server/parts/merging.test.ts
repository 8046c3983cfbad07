import {createSecretKey, randomBytes, randomUUID} from 'node:crypto';
import {readFileSync} from 'node:fs';
import Database from 'better-sqlite3';
import {expect, test} from 'vitest';
import {FederationHub} from '../../../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {Episode, EpisodeChange, LogEntry, Memory} from '../../../../src/model/episode.ts';
import {SEALED_PREFIX} from '../../../../src/hub/security/end-to-end.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

let counter = 0;
function at(ms = Date.now()): string {
  counter = (counter + 1) % 65_536;
  return formatStamp({ms, counter, node: 'test'});
}

const TASK = 'mend the lighthouse lamp';
const LESSON =
  'Take the old wick out, clean the burner, put a new wick in and trim it before the lamp is lit again in the evening.';
const lesson = (agentId: string, fields: Partial<Episode> = {}) =>
  episode(agentId, {at: at(), task: TASK, output: LESSON, ...fields});

type Told = EpisodeChange extends infer C
  ? C extends EpisodeChange
    ? Omit<C, 'id' | 'episode' | 'at'>
    : never
  : never;

async function say(client: RawClient, of: Episode, change: Told): Promise<void> {
  const item = {kind: 'change', change: {id: randomUUID(), episode: of.id, at: at(), ...change}};
  const {results} = await client.ask('pushed', {type: 'push', items: [item] as never});
  expect(results).toMatchObject([{position: expect.any(Number)}]);
}

async function recall(client: RawClient, k = 5, tags?: string[]): Promise<readonly Memory[]> {
  return (await client.ask('recalled', {type: 'recall', query: TASK, k, ...(tags && {tags})})).memories;
}

async function stateOf(client: RawClient, {id}: Episode) {
  return (await client.ask('episode', {type: 'get', episode: id})).state;
}

async function log(client: RawClient): Promise<readonly LogEntry[]> {
  return (await client.ask('entries', {type: 'pull', since: 0, limit: 1000})).entries;
}

/** Resolves when the hub has looked at everything that is in its log: it does so in the order of positions. */
async function looked(rig: HubFolderRig, client: RawClient, agentId: string): Promise<void> {
  const task = `twins ${randomUUID()}`;
  const [one, two] = [lesson(agentId, {task, output: 'of one'}), lesson(agentId, {task, output: 'of one'})];
  await client.ask('pushed', pushOf(one, two));
  await until('the hub has merged', async () => (await stateOf(client, two)).standing === 'merged');
  expect(rig.events.filter(({kind}) => kind === 'unexpected')).toEqual([]);
}

/** Of a hub that has ended. */
function audited(rig: HubFolderRig): readonly {what: string; detail: Record<string, unknown>}[] {
  const db = new Database(rig.dbPath, {readonly: true});
  const rows = db
    .prepare<[], {what: string; body: string}>("SELECT what, body FROM audit WHERE what IN ('merge', 'unmerge')")
    .all();
  db.close();
  return rows.map(({what, body}) => ({what, detail: JSON.parse(body) as Record<string, unknown>}));
}

test('three agents that learn the same ten times each are recalled as one, with counts and uses, by hub and cache', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true});
  const [ann, bob, cay] = [await rig.join(hub, 'ann'), await rig.join(hub, 'bob'), await rig.join(hub, 'cay')];
  const dan = await rig.join(hub, 'dan');
  const first = lesson('ann', {tags: ['lamps']});
  const others = ['ann', 'bob', 'cay'].flatMap((name, index) =>
    Array.from({length: name === 'ann' ? 9 : 10}, () => lesson(name, {tags: [`of-${index}`]})),
  );
  await ann.ask('pushed', pushOf(first, ...others.filter(({agentId}) => agentId === 'ann')));
  await bob.ask('pushed', pushOf(...others.filter(({agentId}) => agentId === 'bob')));
  await cay.ask('pushed', pushOf(...others.filter(({agentId}) => agentId === 'cay')));
  const different = ['soap', 'paint', 'rope', 'tar'].map(word =>
    lesson('bob', {task: `${TASK} with ${word}`, output: `The ${word} holds.`}),
  );
  await bob.ask('pushed', pushOf(...different));
  const last = others.at(-1) ?? first;
  await say(ann, last, {by: 'ann', kind: 'use', count: 3});

  // Before anything is merged, too.
  const memories = await recall(ann);
  expect(new Set(memories.map(memory => memory.episode.output)).size).toBe(5);

  await looked(rig, dan, 'dan');
  const state = await stateOf(bob, first);
  expect(state).toMatchObject({standing: 'active', merged: 29, uses: 3});
  expect(state.tags).toEqual(['lamps', 'of-0', 'of-1', 'of-2']);
  expect(await stateOf(bob, last)).toMatchObject({standing: 'merged', mergedInto: first.id, uses: 3});
  const again = await recall(ann);
  expect(new Set(again.map(memory => memory.episode.output)).size).toBe(5);
  expect(again.find(memory => memory.episode.id === first.id)?.state).toMatchObject({merged: 29, uses: 3});

  // Uses of what was merged go on counting.
  await say(cay, last, {by: 'cay', kind: 'use', count: 2});
  await looked(rig, dan, 'dan');
  expect((await stateOf(bob, first)).uses).toBe(5);

  const eve = new FederationHub({
    agentId: 'eve',
    tenantId: 't1',
    endpoint: `ws://127.0.0.1:${hub.address?.port ?? 0}`,
    token: () => hub.security.generateToken('eve', 't1'),
  });
  await eve.sync();
  // What the hub has changed itself is told within a second or so.
  const cached = await until('the cache knows all', async () => {
    const found = await eve.db.queryMemories(TASK, 5, {from: 'cache'});
    const {merged, uses} = found.find(memory => memory.episode.id === first.id)?.state ?? {};
    return merged === 29 && uses === 5 && found;
  });
  expect(new Set(cached.map(memory => memory.episode.output)).size).toBe(5);
  expect((await eve.db.getEpisode(last.id))?.state).toMatchObject({standing: 'merged', mergedInto: first.id});
  await eve.close();

  const entries = await log(ann);
  expect(entries.map(({position}) => position)).toEqual(entries.map((_, index) => index + 1));
  await hub.stop();
  const told = audited(rig).flatMap(({detail}) =>
    detail['into'] === first.id ? (detail['episodes'] as string[]) : [],
  );
  for (const {id} of others) expect(told.filter(episode => episode === id)).toHaveLength(1);

  // A restart changes nothing, and does nothing twice.
  const restarted = await rig.start({merge: true});
  const fay = await rig.join(restarted, 'fay');
  await looked(rig, fay, 'fay');
  expect((await log(fay)).slice(0, entries.length)).toEqual(entries);
  expect(await stateOf(fay, first)).toMatchObject({merged: 29, uses: 5});
  expect((await recall(fay)).map(memory => memory.episode.id).toSorted()).toEqual(
    [first, ...different].map(({id}) => id).toSorted(),
  );
});

const NEARLY = LESSON.replace('a new wick in', 'a whole new wick in');

async function seen(client: RawClient): Promise<readonly (readonly [agent: string, text: string])[]> {
  return (await recall(client, 20)).flatMap(({episode: {agentId, output}}) =>
    output.startsWith('Take') || output.startsWith('Never') ? [[agentId, output] as const] : [],
  );
}

test('nobody has the lesson of somebody else disappear behind a copy of its own', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true});
  const [ann, mallory, dan] = [await rig.join(hub, 'ann'), await rig.join(hub, 'mallory'), await rig.join(hub, 'dan')];
  const truth = lesson('ann', {reward: 0.4});
  await ann.ask('pushed', pushOf(truth));
  // Better rewarded, later, as it is and with a word more or less; and in the name of the other one.
  const copies = [NEARLY, `${LESSON} Really.`].map(output => lesson('mallory', {output, reward: 1}));
  await mallory.ask('pushed', pushOf(...copies));
  const forged = {id: randomUUID(), episode: truth.id, by: 'mallory', at: at()};
  for (const change of [
    {...forged, kind: 'merge', into: copies[0]?.id},
    {...forged, kind: 'tally', merged: 9, uses: 9},
  ]) {
    const answer = await mallory.ask('error', {type: 'push', items: [{kind: 'change', change}]} as never);
    expect(answer).toMatchObject({code: 'bad-frame'});
  }
  await looked(rig, dan, 'dan');
  expect(await stateOf(dan, truth)).toMatchObject({standing: 'active'});
  for (const copy of copies) expect((await stateOf(dan, copy)).standing).not.toBe('quarantined');
  expect(await seen(dan)).toEqual([['ann', LESSON]]);

  // That it confirms itself helps it as little.
  await say(mallory, copies[0] as Episode, {by: 'mallory', kind: 'confirm', success: true});
  await looked(rig, dan, 'dan');
  expect(await seen(dan)).toEqual([['ann', LESSON]]);
});

test('what was merged is recalled again as soon as something speaks against the one that stayed', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true});
  const [mallory, ann, bob, dan] = [
    await rig.join(hub, 'mallory'),
    await rig.join(hub, 'ann'),
    await rig.join(hub, 'bob'),
    await rig.join(hub, 'dan'),
  ];
  const lead = await rig.join(hub, 'lead', {role: 'coordinator'});
  // It was the first to say what everybody knows.
  const [first, second] = [lesson('mallory'), lesson('ann')];
  await mallory.ask('pushed', pushOf(first));
  await ann.ask('pushed', pushOf(second));
  const isMerged = (into: Episode | null) => async () => {
    const state = await stateOf(dan, second);
    return into === null ? state.standing === 'active' : state.mergedInto === into.id;
  };
  await until('the second is merged', isMerged(first));
  expect(await seen(dan)).toEqual([['mallory', LESSON]]);

  await say(lead, first, {by: 'lead', kind: 'standing', standing: 'quarantined'});
  await until('quarantine gives it back', isMerged(null));
  expect(await seen(dan)).toEqual([['ann', LESSON]]);
  await say(lead, first, {by: 'lead', kind: 'standing', standing: 'active'});
  // Now that one is the one that comes back, and the older one stays again.
  await until('it is merged once more', isMerged(first));
  expect(await stateOf(dan, first)).toMatchObject({merged: 1});

  // Whoever changes what it says does not change what the others have said.
  await say(mallory, first, {by: 'mallory', kind: 'critique', text: 'Never do that.'});
  await until('another critique gives it back', isMerged(null));
  await say(mallory, first, {by: 'mallory', kind: 'standing', standing: 'forgotten'});

  const third = lesson('mallory', {task: 'light the lighthouse lamp'});
  const fourth = lesson('ann', {task: 'light the lighthouse lamp'});
  await mallory.ask('pushed', pushOf(third));
  await ann.ask('pushed', pushOf(fourth));
  await until('the fourth is merged', async () => (await stateOf(dan, fourth)).mergedInto === third.id);
  // Two agents find that nothing else of it holds: it is not trusted any more.
  const lies = Array.from({length: 4}, (_, index) => lesson('mallory', {task: `a lie ${index}`, output: 'soup'}));
  await mallory.ask('pushed', pushOf(...lies));
  for (const lie of lies) {
    await say(bob, lie, {by: 'bob', kind: 'confirm', success: false});
    await say(dan, lie, {by: 'dan', kind: 'confirm', success: false});
  }
  await until('distrust gives it back', async () => (await stateOf(dan, fourth)).standing === 'active');
  expect((await seen(dan)).map(([agent]) => agent)).toEqual(['ann', 'ann']);
  await hub.stop();
  expect(audited(rig).flatMap(({what, detail}) => (what === 'unmerge' ? [detail['reason']] : []))).toEqual([
    'the one that stayed is quarantined',
    'the critique of the one that stayed is another one',
    'the agent of the one that stayed is not trusted',
  ]);
});

test('who has confirmed the same lesson twice counts once towards the quorum, and only for what it has read', async () => {
  await using rig = new HubFolderRig();
  const before = await rig.start({merge: false, quorum: 2});
  const [bob, cay] = [await rig.join(before, 'bob'), await rig.join(before, 'cay')];
  const [first, second, third] = [lesson('ann'), lesson('bob'), lesson('bob')];
  const nearly = lesson('ann', {output: NEARLY});
  await (await rig.join(before, 'ann')).ask('pushed', pushOf(first));
  await bob.ask('pushed', pushOf(second, third));
  await say(cay, second, {by: 'cay', kind: 'confirm', success: true});
  await say(cay, third, {by: 'cay', kind: 'confirm', success: true});
  await before.stop();
  // Everything is there before the first of it is looked at.
  const hub = await rig.start({merge: true, quorum: 2});
  const [ann, dan] = [await rig.join(hub, 'ann'), await rig.join(hub, 'dan')];
  await looked(rig, ann, 'ann');
  // Confirmed by somebody, the second was the one to stay.
  expect((await stateOf(dan, first)).standing).toBe('merged');
  const kept = (await stateOf(dan, first)).mergedInto === third.id ? third : second;
  expect(await stateOf(dan, kept)).toMatchObject({standing: 'active', merged: 2, confirmed: 1});
  expect(await seen(dan)).toEqual([]);
  // A word for one that was merged is a word for the one that stayed.
  await say(dan, first, {by: 'dan', kind: 'confirm', success: true});
  await until('two have confirmed it', async () => (await stateOf(dan, kept)).confirmed === 2);
  expect(await seen(dan)).toEqual([['bob', LESSON]]);
  // What only says nearly the same is not confirmed by that.
  await ann.ask('pushed', pushOf(nearly));
  await looked(rig, ann, 'ann');
  expect(await stateOf(dan, nearly)).toMatchObject({confirmed: 0});
});

test('what expires is not recalled from then on, and does not stand for what lives on', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true});
  const [ann, dan] = [await rig.join(hub, 'ann'), await rig.join(hub, 'dan')];
  const short = lesson('ann', {expiresAtMs: Date.now() + 1500});
  const never = 'Never light it by day.';
  const later = lesson('ann', {output: never, expiresAtMs: Date.now() + 3_600_000});
  await ann.ask('pushed', pushOf(short, later, lesson('ann', {output: NEARLY, expiresAtMs: Date.now() - 1})));
  const outputs = (await seen(dan)).map(([, output]) => output);
  expect(outputs).toContain(never);
  expect(outputs).not.toContain(NEARLY);
  const [long, same] = [lesson('ann', {reward: 0.1}), lesson('ann', {output: never, reward: 0.1})];
  await ann.ask('pushed', pushOf(long, same));
  await looked(rig, dan, 'dan');
  for (const each of [long, same]) expect((await stateOf(dan, each)).standing).toBe('active');
  await until('it has expired', () => Date.now() > (short.expiresAtMs ?? 0));
  const memories = await recall(dan, 20);
  expect(memories.filter(memory => memory.episode.output === LESSON).map(memory => memory.episode.id)).toEqual([
    long.id,
  ]);
});

test('with merging off nothing is merged, and still nothing is recalled twice', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: false});
  const ann = await rig.join(hub, 'ann');
  const all = Array.from({length: 5}, () => lesson('ann'));
  await ann.ask('pushed', pushOf(...all));
  const [memory, ...others] = await recall(ann);
  expect(others).toEqual([]);
  expect(memory?.state).toMatchObject({merged: 4, standing: 'active'});
  await hub.stop();
  expect(audited(rig)).toEqual([]);
});

test('a hub that is sealed merges too, and nothing of what it compares is in its file', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true, sealing: {masterKey: {id: 'm1', key: createSecretKey(randomBytes(32))}}});
  const ann = await rig.join(hub, 'ann');
  const all = Array.from({length: 4}, () => lesson('ann'));
  await ann.ask('pushed', pushOf(...all));
  await until('all are merged', async () => {
    const states = await Promise.all(all.map(each => stateOf(ann, each)));
    return states.filter(state => state.standing === 'merged').length === 3;
  });
  expect((await recall(ann)).map(memory => memory.state.merged)).toEqual([3]);
  await hub.stop();
  expect(readFileSync(rig.dbPath).includes('burner')).toBe(false);
});

test('what was sealed end to end, refuted or quarantined neither goes nor stays', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true});
  const [ann, bob, lead] = [
    await rig.join(hub, 'ann'),
    await rig.join(hub, 'bob'),
    await rig.join(hub, 'lead', {role: 'coordinator'}),
  ];
  const sealed = [0, 1].map(() => lesson('ann', {output: `${SEALED_PREFIX}AAAA`}));
  const [refuted, quarantined, good] = [lesson('ann'), lesson('ann'), lesson('bob', {reward: 0.2})];
  await ann.ask('pushed', pushOf(...sealed, refuted, quarantined));
  await say(bob, refuted, {by: 'bob', kind: 'confirm', success: false});
  await say(lead, quarantined, {by: 'lead', kind: 'standing', standing: 'quarantined'});
  await bob.ask('pushed', pushOf(good));
  await looked(rig, bob, 'bob');
  const standings = await Promise.all([...sealed, refuted, quarantined, good].map(each => stateOf(bob, each)));
  expect(standings.map(state => [state.standing, state.merged])).toEqual(
    ['active', 'active', 'active', 'quarantined', 'active'].map(standing => [standing, undefined]),
  );
});

test('many episodes of one task become one that says what several have said, and come back when that is refuted', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start({merge: true, consolidate: 6});
  const [ann, bob, cay] = [await rig.join(hub, 'ann'), await rig.join(hub, 'bob'), await rig.join(hub, 'cay')];
  const of = (agentId: string, critique: string, reward: number) =>
    lesson(agentId, {output: `burns ${critique.length}`, critique, reward, success: reward > 0});
  const wick = 'Give it a new wick.';
  const byAnn = [of('ann', `${wick} Clean the glass in the morning.`, 0.8), of('ann', `${wick} Wear gloves.`, 0.6)];
  const byBob = [of('bob', `${wick} Take the ladder.`, 0.7), of('bob', `Oil alone does not help. ${wick}`, 0)];
  const byCay = [
    of('cay', `${wick} Pour soup on it.`, 0.7),
    of('cay', `Pour soup on it. And once again: ${wick}`, 0.5),
  ];
  await ann.ask('pushed', pushOf(...byAnn));
  await bob.ask('pushed', pushOf(...byBob));
  await cay.ask('pushed', pushOf(...byCay));
  const sources = [...byAnn, ...byBob, ...byCay];
  await until('they are one', async () => {
    const states = await Promise.all(sources.map(each => stateOf(ann, each)));
    return states.every(state => state.standing === 'merged');
  });
  const [memory, ...others] = (await recall(ann)).filter(each => each.episode.task === TASK);
  expect(others).toEqual([]);
  expect(memory?.episode).toMatchObject({agentId: 'hub', success: true, output: ''});
  expect(memory?.state.merged).toBe(6);
  expect(memory?.episode.critique).toContain(`- ${wick} (3 agents)`);
  expect(memory?.episode.critique).not.toContain('soup');
  if (memory === undefined) return;

  for (const [client, by] of [
    [ann, 'ann'],
    [bob, 'bob'],
  ] as const) {
    await say(client, memory.episode, {by, kind: 'confirm', success: false});
  }
  await until('they are themselves again', async () => {
    const states = await Promise.all(sources.map(each => stateOf(ann, each)));
    return states.every(state => state.standing === 'active');
  });
  // Nor does it try again.
  await looked(rig, bob, 'bob');
  expect((await recall(ann, 20)).some(each => sources.some(({id}) => id === each.episode.id))).toBe(true);
  await hub.stop();
  expect(audited(rig).map(({what}) => what)).toEqual(['merge', 'unmerge', 'merge']);
});
