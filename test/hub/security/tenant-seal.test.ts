import fc from 'fast-check';
import {expect, test} from 'vitest';
import {newTenantSecret, readTenantSecret, sealForTenant} from '../../../src/hub/security/end-to-end.ts';
import {isSealedItem, TenantSeal} from '../../../src/hub/security/tenant-seal.ts';
import type {EpisodeChange, LogItem} from '../../../src/model/episode.ts';
import {sampleEpisode} from './sample-episode.ts';

const [secret, other] = [readTenantSecret(newTenantSecret()), readTenantSecret(newTenantSecret())];
const seal = new TenantSeal('acme', [secret]);
const LENGTHS = {task: 64 * 1024, text: 256 * 1024};
const text = fc.string({unit: 'binary', maxLength: 200}).map(given => given.replaceAll(/\p{Surrogate}/gu, '?'));
const tags = fc.array(fc.string({minLength: 1, maxLength: 100}), {maxLength: 50});
const change = {id: 'c1', episode: 'e1', by: 'ann', at: '1'};

const items: fc.Arbitrary<LogItem> = fc.oneof(
  fc
    .record({task: text, input: text, output: text, critique: fc.option(text), tags})
    .map(fields => ({kind: 'episode' as const, episode: sampleEpisode({...fields, signature: null})})),
  fc
    .oneof(
      text.map((said): EpisodeChange => ({...change, kind: 'critique', text: said})),
      fc.tuple(tags, tags).map(([add, remove]): EpisodeChange => ({...change, kind: 'tag', add, remove})),
      fc.constant<EpisodeChange>({...change, kind: 'vote', value: 1}),
    )
    .map(said => ({kind: 'change' as const, change: said})),
);

test('what is sealed opens as it was, for this tenant and with this secret only', () => {
  fc.assert(
    fc.property(items, item => {
      const sealed = seal.seal(item);
      expect(seal.open(sealed)).toEqual(item);
      const says = item.kind === 'episode' || item.change.kind !== 'vote';
      expect(isSealedItem(sealed)).toBe(says);
      if (!says) return;
      expect(new TenantSeal('acme', [other]).open(sealed)).toBeNull();
      expect(new TenantSeal('else', [secret]).open(sealed)).toBeNull();
      expect(new TenantSeal('acme', [other, secret]).open(sealed)).toEqual(item);
    }),
  );
});

test('nothing of an episode is in what the hub gets, but what it is to see', () => {
  const episode = sampleEpisode({
    task: 'MARKED task',
    input: 'MARKED input',
    output: 'MARKED output',
    critique: 'MARKED critique',
    tags: ['MARKED'],
  });
  const sealed = seal.seal({kind: 'episode', episode});
  expect(JSON.stringify(sealed)).not.toMatch(/MARKED/);
  const {id, agentId, sessionId, reward, success, at, expiresAtMs} = episode;
  expect(sealed).toMatchObject({
    episode: {id, agentId, sessionId, reward, success, at, expiresAtMs, tags: [], signature: null},
  });
  // The same twice is not the same.
  expect(seal.seal({kind: 'episode', episode})).not.toEqual(sealed);
});

test('what is put together from two episodes, or moved to another, does not open', () => {
  const [a, b] = ['a', 'b'].map(id => seal.seal({kind: 'episode', episode: sampleEpisode({id, critique: 'x'})}));
  if (a?.kind !== 'episode' || b?.kind !== 'episode') throw new Error('they are episodes');
  for (const part of ['task', 'input', 'output', 'critique'] as const) {
    expect(seal.open({kind: 'episode', episode: {...a.episode, [part]: b.episode[part]}})).toBeNull();
    expect(seal.open({kind: 'episode', episode: {...a.episode, [part]: 'said by the hub'}})).toBeNull();
  }
  expect(seal.open({kind: 'episode', episode: {...a.episode, id: 'b'}})).toBeNull();
  expect(
    seal.open({kind: 'episode', episode: {...a.episode, task: a.episode.output, output: a.episode.task}}),
  ).toBeNull();
  const said = seal.seal({kind: 'change', change: {...change, kind: 'critique', text: 'well done'}});
  if (said.kind !== 'change') throw new Error('it is a change');
  expect(seal.open({kind: 'change', change: {...said.change, episode: 'e2'}})).toBeNull();
  expect(seal.open({kind: 'change', change: {...said.change, id: 'c2'}})).toBeNull();
});

test('what was sealed by somebody who has the secret, and says something else, is not taken for a change', () => {
  for (const plain of [
    '',
    'null',
    '[]',
    '{"kind":"vote"}',
    '{"kind":"tag","add":[""],"remove":[]}',
    '{"kind":"critique"}',
  ]) {
    const sealed = sealForTenant(secret, plain, ['godel-change', 'acme', 'e1', 'c1']);
    expect(seal.open({kind: 'change', change: {...change, kind: 'critique', text: sealed}})).toBeNull();
  }
});

test('what would be too long when it is sealed is named, to the byte', () => {
  const of = (bytes: number): LogItem => ({
    kind: 'episode',
    episode: sampleEpisode({task: 'x'.repeat(bytes), tags: []}),
  });
  let most = 40_000;
  while (seal.excess(of(most + 1), LENGTHS) === null) most += 1;
  const fits = seal.seal(of(most));
  expect(fits.kind === 'episode' && fits.episode.task.length).toBeLessThanOrEqual(LENGTHS.task);
  const over = seal.excess(of(most + 1000), LENGTHS);
  expect(over).toMatchObject({part: 'task'});
  expect(seal.excess(of(most + 1000 - over!.bytes), LENGTHS)).toBeNull();
  const tooLong: EpisodeChange = {...change, kind: 'critique', text: 'x'.repeat(250_000)};
  expect(seal.excess({kind: 'change', change: tooLong}, LENGTHS)).toMatchObject({part: 'critique'});
});

test('fingerprints tell secrets apart', () => {
  const [a, b] = new TenantSeal('acme', [secret, other]).fingerprints;
  expect(a).not.toBe(b);
  expect(new TenantSeal('else', [secret]).fingerprints).toEqual([a]);
});
