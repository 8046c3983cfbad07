import {randomUUID} from 'node:crypto';
import {expect, test} from 'vitest';
import {hashedEmbedder} from '../../../../src/hub/recall/hashed-embedder.ts';
import {HybridClock} from '../../../../src/hub/replica/hybrid-clock.ts';
import {SharedDocument} from '../../../../src/hub/replica/shared-document.ts';
import {HUB_LIMITS} from '../../../../src/hub/server/hub-limits.ts';
import type {HubEvent} from '../../../../src/hub/server/hub-parts.ts';
import {Chronicle} from '../../../../src/hub/server/parts/chronicle.ts';
import {MailStore} from '../../../../src/hub/server/parts/mail-store.ts';
import {SharedDocuments} from '../../../../src/hub/server/parts/shared-documents.ts';
import {bytesOf, TenantIndexes} from '../../../../src/hub/server/parts/tenant-indexes.ts';
import {Upkeep} from '../../../../src/hub/server/parts/upkeep.ts';
import {VectorFollower} from '../../../../src/hub/server/parts/vector-follower.ts';
import type {HubMessage} from '../../../../src/model/hub.ts';
import {until} from '../../../rig/until.ts';
import {item} from '../store/sample-episodes.ts';
import {StoreRig} from '../store/store-rig.ts';

const embedder = hashedEmbedder();

test('retention forgets the oldest beyond the most, tells of it, and leaves other tenants alone', async () => {
  using rig = new StoreRig();
  const store = rig.open();
  store.append(
    'a',
    Array.from({length: 250}, (_, index) => item({id: `e${index}`})),
  );
  store.append('b', [item({id: 'kept'})]);
  store.flush();
  const events: HubEvent[] = [];
  const forgotten: string[] = [];
  const upkeep = new Upkeep({
    store,
    clock: new HybridClock({node: 'hub', wallMs: Date.now}),
    retention: {lifetimeMs: null, maxEpisodes: 20},
    save: () => undefined,
    saved: () => undefined,
    settle: () => undefined,
    forgotten: (tenant, ids) => forgotten.push(...ids.map(id => `${tenant}/${id}`)),
    expire: () => undefined,
    onEvent: event => events.push(event),
  });
  await upkeep.retire();
  expect([store.episodes('a'), store.episodes('b')]).toEqual([20, 1]);
  expect(forgotten).toEqual(Array.from({length: 230}, (_, index) => `a/e${index}`));
  expect(events).toEqual([{kind: 'retired', tenant: 'a', episodes: 230}]);
  expect(store.get('a', 'e0')?.state.standing).toBe('forgotten');
});

test('retention that cannot be written takes nothing from the index, and is tried again by the next run only', async () => {
  using rig = new StoreRig();
  const store = rig.open({limits: {fileBytes: 4 * 2 ** 20}});
  for (const tenant of ['a', 'b']) {
    store.append(
      tenant,
      Array.from({length: 250}, () => item()),
    );
  }
  store.flush();
  const events: HubEvent[] = [];
  let forgotten = 0;
  let isFull = true;
  let saves = 0;
  const upkeep = new Upkeep({
    store,
    clock: new HybridClock({node: 'hub', wallMs: Date.now}),
    retention: {lifetimeMs: null, maxEpisodes: 20},
    save: () => {
      saves += 1;
      if (saves > 20) throw new Error('it goes on and on');
      if (!isFull) return;
      store.append(
        'a',
        Array.from({length: 40}, () => item({output: 'x'.repeat(250_000)})),
      );
    },
    saved: () => undefined,
    settle: () => undefined,
    forgotten: (_tenant, ids) => {
      forgotten += ids.length;
    },
    expire: () => undefined,
    onEvent: event => events.push(event),
  });
  await upkeep.retire();
  expect(events).toMatchObject([{kind: 'flush-failed', full: true}]);
  expect([forgotten, store.episodes('a'), store.episodes('b')]).toEqual([0, 250, 250]);
  isFull = false;
  await upkeep.retire();
  expect([forgotten, store.episodes('a'), store.episodes('b')]).toEqual([460, 20, 20]);
});

test('indexes are read from the store when they are asked for, and those used longest ago make room', async () => {
  const vectors = new Map([
    ['a', await embedder.embed(['the harbour', 'the login'])],
    ['b', await embedder.embed(['a lighthouse'])],
  ]);
  const reads: string[] = [];
  const indexes = new TenantIndexes({
    embedder,
    maxBytes: 1,
    vectors: {
      after: (tenant, _embedder, {since}) => {
        reads.push(tenant);
        const made = vectors.get(tenant) ?? [];
        return made.map((vector, index) => ({position: index + 1, bytes: bytesOf(vector)})).slice(since);
      },
    },
  });
  const [query] = await embedder.embed(['login']);
  const [first, same] = await Promise.all([indexes.open('a'), indexes.open('a')]);
  expect(first).toBe(same);
  expect(query && first.search(query, 1)[0]?.key).toBe(2);
  indexes.remove('a', 2);
  expect((await indexes.open('a')).size).toBe(1);
  await indexes.open('b');
  // It was put out for b, and comes back as the store has it.
  expect((await indexes.open('a')).size).toBe(2);
  expect(reads).toEqual(['a', 'b', 'a']);
});

test('vectors that cannot be made are made later, and what cannot be had is told', async () => {
  using rig = new StoreRig();
  const store = rig.open();
  store.append('a', [item({id: 'e1'}), item({id: 'e2'})]);
  const events: HubEvent[] = [];
  let isAway = true;
  const shaky = {
    ...embedder,
    embed: (texts: readonly string[]) => (isAway ? Promise.reject(new Error('it is away')) : embedder.embed(texts)),
  };
  const indexes = new TenantIndexes({embedder, maxBytes: 1e9, vectors: store.vectors});
  const follower = new VectorFollower({
    vectors: store.vectors,
    embedder: shaky,
    indexes,
    settle: () => undefined,
    onEvent: event => events.push(event),
  });
  follower.wake();
  await until('the failure is told', () => events[0]);
  expect(events).toEqual([{kind: 'upkeep-failed', what: 'vectors', detail: 'it is away'}]);
  isAway = false;
  await until('the vectors are made', () => store.vectors.unembeddedOf('a', embedder.id) === 0);
  expect((await indexes.open('a')).size).toBe(2);
  await follower.close();
});

test('a document beyond the limit of its tenant is refused, and one that was put away comes back', () => {
  using rig = new StoreRig();
  const store = rig.open({limits: {documentsPerTenant: 150}});
  const documents = new SharedDocuments({rows: store.documents, limits: HUB_LIMITS, wallMs: Date.now});
  const updateOf = (text: string) => {
    using made = new SharedDocument();
    made.text('t').insert(0, text);
    return Buffer.from(made.snapshot()).toString('base64');
  };
  for (let made = 0; made < 150; made += 1) {
    expect(documents.update('a', `d${made}`, updateOf(`text ${made}`))).toMatchObject({ok: true});
  }
  expect(documents.update('a', 'one too many', updateOf('x'))).toMatchObject({failure: {code: 'storage-full'}});
  const joined = documents.join('a', 'd0', null);
  const whole = SharedDocument.open(Buffer.from((joined.ok && joined.value.updates[0]) || '', 'base64'));
  expect(whole.ok && whole.value.text('t').toString()).toBe('text 0');
  expect(documents.join('b', 'd0', null)).toMatchObject({value: {updates: []}});
  documents.close();
});

test('a message to somebody who is here is written only if it is not taken', () => {
  using rig = new StoreRig();
  const store = rig.open();
  const parts = {messages: store.messages, flush: () => store.flush(), keptMs: 60_000, wallMs: Date.now};
  const mail = new MailStore({...parts, onEvent: () => undefined});
  const message = (): HubMessage => {
    const said = {topic: null, kind: 'message', body: 'hello', priority: 'normal', correlationId: null} as const;
    return {...said, id: randomUUID(), from: 'x', to: 'y', sentAtMs: Date.now()};
  };
  const [taken, waits] = [message(), message()];
  mail.kept('a', 'y', taken, true);
  mail.kept('a', 'y', waits, true);
  mail.taken('a', 'y', [taken.id]);
  mail.save();
  const later = new MailStore({...parts, onEvent: () => undefined});
  expect(later.waiting('a', 'y')).toEqual([waits]);
  expect(later.waiting('b', 'y')).toEqual([]);
  later.taken('a', 'y', [waits.id]);
  expect(new MailStore({...parts, onEvent: () => undefined}).waiting('a', 'y')).toEqual([]);
});

test('a message to somebody who is away waits until it is on the disk, whatever fails before', () => {
  using rig = new StoreRig();
  const store = rig.open({limits: {fileBytes: 4 * 2 ** 20}});
  let isFull = true;
  const events: HubEvent[] = [];
  const flush = () => {
    const filler = Array.from({length: isFull ? 40 : 0}, () => item({output: 'x'.repeat(250_000)}));
    store.append('a', filler);
    return store.flush();
  };
  const parts = {messages: store.messages, flush, keptMs: 60_000, wallMs: Date.now};
  const mail = new MailStore({...parts, onEvent: event => events.push(event)});
  const said = {topic: null, kind: 'message', body: 'hello', priority: 'normal', correlationId: null} as const;
  const messages = ['m1', 'm2'].map((id): HubMessage => ({...said, id, from: 'x', to: 'y', sentAtMs: Date.now()}));
  const onDisk = () => new MailStore({...parts, onEvent: () => undefined}).waiting('a', 'y').map(({id}) => id);
  for (const [index, message] of messages.entries()) mail.kept('a', 'y', message, index === 1);
  expect([mail.settle(), mail.settle()]).toMatchObject(Array(2).fill({ok: false, failure: {kind: 'full'}}));
  expect(events).toMatchObject([{kind: 'flush-failed', full: true}]);
  mail.save();
  expect([flush().ok, onDisk()]).toEqual([false, []]);
  isFull = false;
  mail.save();
  expect(flush().ok).toBe(true);
  mail.saved();
  expect([mail.settle().ok, onDisk()]).toEqual([true, ['m1', 'm2']]);
  mail.kept('a', 'y', {...said, id: 'm3', from: 'x', to: 'y', sentAtMs: Date.now()}, false);
  expect(mail.settle().ok).toBe(true);
  store.append(
    'a',
    Array.from({length: 40}, () => item({output: 'x'.repeat(250_000)})),
  );
  expect([store.flush().ok, onDisk()]).toEqual([false, ['m1', 'm2', 'm3']]);
});

test('strangers who are refused by the thousand fill the audit log with twenty rows a second', () => {
  using rig = new StoreRig();
  const store = rig.open();
  let nowMs = 1_000_000;
  const chronicle = new Chronicle({sessions: store.sessions, audit: store.audit, wallMs: () => nowMs});
  const refused = {kind: 'refused', identity: null, address: '::1', code: 'token-invalid', message: 'no'} as const;
  for (let count = 0; count < 5000; count += 1) chronicle.note(refused);
  nowMs += 1000;
  chronicle.note(refused);
  const rows = store.audit.list({tenant: null, before: null, limit: 1000});
  expect(rows).toHaveLength(22);
  expect(rows[1]?.detail).toEqual({notWrittenDown: 4980});
});
