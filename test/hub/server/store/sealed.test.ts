import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {HubMessage} from '../../../../src/model/hub.ts';
import {masterKey} from '../../../../src/hub/security/master-key.ts';
import {Sealer} from '../../../../src/hub/security/sealer.ts';
import {WrappedKeyFolder} from '../../../../src/hub/security/wrapped-keys.ts';
import type {Seal} from '../../../../src/hub/server/store/bodies.ts';
import {change, item} from './sample-episodes.ts';
import {MANY, sealWith, StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

const key = randomBytes(32);
const seal = sealWith(key);
const message: HubMessage = {
  id: 'm1',
  from: 'x',
  to: 'bob',
  topic: null,
  kind: 'message',
  body: {text: 'walrus message'},
  priority: 'normal',
  correlationId: null,
  sentAtMs: 1,
};

describe('a sealed database', () => {
  it('has nothing of what is kept in its files, and gives all of it back', () => {
    const walrus = {task: 'walrus task', input: 'walrus', output: 'walrus', critique: 'walrus', tags: ['walrus']};
    {
      using store = rig.open({seal});
      store.append('a', [item({id: 'e', ...walrus}), item({id: 'f', task: 'seal'})]);
      store.append('a', [
        change('e', {kind: 'critique', text: 'walrus again'}),
        change('e', {kind: 'tag', add: ['walrus2'], remove: []}),
      ]);
      expect(store.searchText('a', 'walrus', 5).hits).toHaveLength(1);
      store.vectors.set('a', 'm', [{position: 1, bytes: Buffer.from('walrus vector')}]);
      store.messages.add('a', 'bob', message, 1e15);
      store.documents.set('a', {name: 'd', atMs: 1}, Buffer.from('walrus document'));
      store.audit.add({atMs: 1, tenant: 'a', who: 'x', what: 'y', detail: 'walrus detail'});
      expect(store.flush().ok).toBe(true);
      expect(rig.bytes().includes('walrus')).toBe(false);
    }
    expect(rig.bytes().includes('walrus')).toBe(false);
    using store = rig.open({seal});
    expect(store.pull('a', 0, 10, MANY).entries).toMatchObject([
      {episode: walrus},
      {},
      {change: {text: 'walrus again'}},
      {},
    ]);
    expect(store.get('a', 'e')?.state).toMatchObject({critique: 'walrus again', tags: ['walrus', 'walrus2']});
    expect(store.searchText('a', 'walrus2', 5).hits).toMatchObject([{position: 1}]);
    expect(store.vectors.after('a', 'm', {since: 0, limit: 9})).toEqual([
      {position: 1, bytes: Buffer.from('walrus vector')},
    ]);
    expect(store.messages.waiting('a', 'bob', {nowMs: 1, limit: 9})).toEqual([message]);
    expect(store.documents.get('a', 'd')?.toString()).toBe('walrus document');
    expect(store.audit.list({tenant: 'a', before: null, limit: 1})).toMatchObject([{detail: 'walrus detail'}]);
    expect(store.verify().findings).toEqual([]);
  });

  it('finds nothing that was given up with its group', () => {
    const store = rig.open({seal, limits: {fileBytes: 2 * 2 ** 20}});
    store.append('a', [item({task: 'first'})]);
    store.flush();
    store.append('a', [item({task: 'second'})]);
    expect(store.searchText('a', 'second', 5).hits).toHaveLength(1);
    store.append(
      'a',
      Array.from({length: 20}, () => item({output: 'x'.repeat(250_000)})),
    );
    expect(store.flush().ok).toBe(false);
    expect(store.searchText('a', 'second', 5).hits).toEqual([]);
    expect(store.searchText('a', 'first', 5).hits).toHaveLength(1);
  });

  it('is refused without a key, and one that is not sealed with one', () => {
    rig.open({seal}).close();
    expect(rig.refused()).toMatchObject({
      detail: expect.stringContaining('sealed'),
      hint: expect.stringContaining('key'),
    });
    using plain = new StoreRig();
    plain.open().close();
    expect(plain.refused({seal})).toMatchObject({detail: expect.stringContaining('without sealing')});
  });

  it('opens nothing with another key, or in the place of something else', () => {
    {
      using store = rig.open({seal});
      store.append('a', [item({id: 'e', output: 'one'}), item({id: 'f', output: 'two'})]);
    }
    {
      using store = rig.open({seal: sealWith(randomBytes(32))});
      expect(() => store.get('a', 'e')).toThrow('store-unusable');
    }
    rig.alter(`UPDATE entries SET (crc, body) = (SELECT crc, body FROM entries WHERE id = 'f') WHERE id = 'e'`);
    using store = rig.open({seal});
    expect(() => store.get('a', 'e')).toThrow('store-unusable');
    expect(store.get('a', 'f')?.entry).toMatchObject({episode: {output: 'two'}});
  });
});

/** A word of its own for each kind of text that agents give. */
const TOLD = {
  task: 'aardvark',
  input: 'bandicoot',
  output: 'capybara',
  critique: 'dugong',
  tag: 'echidna',
  session: 'fossa',
  later: 'gharial',
  laterTag: 'hoopoe',
  vector: 'ibis',
  message: 'jerboa',
  topic: 'kakapo',
  document: 'lemur',
  documentName: 'manatee',
  connection: 'numbat',
  audit: 'okapi',
} as const;
const VECTOR = Buffer.from(new Float32Array([0.111, -0.222, 0.333, -0.444]).buffer);

function tellAll(told: StoreRig, by: Seal | null): void {
  using store = told.open({seal: by});
  const {task, input, output, critique, tag, session} = TOLD;
  store.append('t', [item({id: 'e', task, input, output, critique, tags: [tag], sessionId: session})]);
  store.append('t', [
    change('e', {kind: 'critique', text: TOLD.later}),
    change('e', {kind: 'tag', add: [TOLD.laterTag], remove: []}),
  ]);
  for (const word of Object.values(TOLD)) store.searchText('t', word, 5);
  const bytes = Buffer.concat([Buffer.from(TOLD.vector), VECTOR]);
  store.vectors.set('t', 'm', [{position: 1, bytes}]);
  const wanted = {...message, topic: TOLD.topic, body: {text: TOLD.message}};
  store.messages.add('t', 'bob', wanted, 1e15);
  store.documents.set('t', {name: TOLD.documentName, atMs: 1}, Buffer.from(TOLD.document));
  store.sessions.start({tenant: 't', agent: 'bob', role: 'worker', session: TOLD.connection, startedAtMs: 1});
  store.audit.add({atMs: 1, tenant: 't', who: 'bob', what: 'said', detail: TOLD.audit});
  store.audit.add({atMs: 1, tenant: null, who: 'hub', what: 'said', detail: TOLD.audit});
  expect(store.flush().ok).toBe(true);
}

/** The kinds of which something is in the files. */
function found(told: StoreRig): readonly string[] {
  const bytes = told.bytes();
  const kinds = Object.entries(TOLD).flatMap(([kind, word]) => (bytes.includes(word) ? [kind] : []));
  return bytes.includes(VECTOR) ? [...kinds, 'numbers of a vector'] : kinds;
}

describe('a stolen file', () => {
  it('has nothing that agents have told in it when it is sealed, and all of it when it is not', () => {
    using plain = new StoreRig();
    tellAll(plain, null);
    expect(found(plain)).toEqual([...Object.keys(TOLD), 'numbers of a vector']);
    const keys = new WrappedKeyFolder(join(rig.folder, 'data-keys'));
    const sealer = new Sealer({master: masterKey(randomBytes(32)), keys});
    tellAll(rig, sealer);
    expect(found(rig)).toEqual([]);
    using store = rig.open({seal: sealer});
    expect(store.documents.get('t', TOLD.documentName)?.toString()).toBe(TOLD.document);
    expect(store.verify().findings).toEqual([]);
  });

  it('finds a document again after its data key was rotated, and not that of another tenant', () => {
    const keys = new WrappedKeyFolder(join(rig.folder, 'data-keys'));
    const master = masterKey(randomBytes(32));
    const sealer = new Sealer({master, keys});
    {
      using store = rig.open({seal: sealer});
      store.documents.set('t', {name: 'd', atMs: 1}, Buffer.from('one'));
    }
    sealer.rotateDataKey('t');
    using store = rig.open({seal: new Sealer({master, keys})});
    expect(store.documents.get('t', 'd')?.toString()).toBe('one');
    expect(store.documents.get('u', 'd')).toBeNull();
    expect([sealer.mark('t', 'd'), sealer.mark('u', 'd'), 'd']).toHaveLength(
      new Set([sealer.mark('t', 'd'), sealer.mark('u', 'd'), 'd']).size,
    );
  });
});
