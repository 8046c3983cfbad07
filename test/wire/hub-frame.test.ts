import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {EPISODE_STANDINGS} from '../../src/model/episode.ts';
import {MESSAGE_KINDS, PRIORITIES} from '../../src/model/hub.ts';
import {readClientFrame} from '../../src/wire/hub-frame.ts';
import {surelyFrame} from '../../src/wire/hub-hot-frames.ts';
import {clientFrameSchema} from '../../src/wire/hub-protocol.ts';

const text = fc.string({maxLength: 30});
const name = fc.string({minLength: 1, maxLength: 30});
const names = fc.array(name, {maxLength: 5});
const id = fc.nat();
const clock = fc.tuple(name, name, fc.integer({min: 1, max: 2 ** 52}), fc.integer({min: 0, max: 2 ** 52}));
/** With a clock, or without. */
const maybeClocked = <T extends object>(record: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof(
    record,
    fc.tuple(record, clock).map(([fields, clock]) => ({...fields, clock})),
  );
const episode = fc.record({
  id: name,
  agentId: name,
  sessionId: fc.option(name),
  task: name,
  input: text,
  output: text,
  critique: fc.option(text),
  reward: fc.double({min: 0, max: 1, noNaN: true}),
  success: fc.boolean(),
  tags: names,
  at: name,
  expiresAtMs: fc.option(fc.nat()),
  signature: fc.option(text),
});
const changed = {id: name, episode: name, by: name, at: name};
const change = fc.oneof(
  fc.record({...changed, kind: fc.constant('vote'), value: fc.constantFrom(1, -1)}),
  fc.record({...changed, kind: fc.constant('use'), count: fc.integer({min: 1, max: 1e6})}),
  fc.record({...changed, kind: fc.constant('tag'), add: names, remove: names}),
  fc.record({...changed, kind: fc.constant('critique'), text}),
  fc.record({...changed, kind: fc.constant('confirm'), success: fc.boolean()}),
  fc.record({...changed, kind: fc.constant('standing'), standing: fc.constantFrom(...EPISODE_STANDINGS)}),
);
const item = fc.oneof(
  fc.record({kind: fc.constant('episode'), episode: maybeClocked(episode)}),
  fc.record({kind: fc.constant('change'), change: maybeClocked<object>(change)}),
);
const presence = fc.record({status: text, doing: fc.option(text), skills: names});
const addressee = fc.oneof(fc.record({to: fc.option(name)}), fc.record({to: fc.constant(null), skills: names}));
const told = fc.record({
  id: name,
  topic: fc.option(name),
  kind: fc.constantFrom(...MESSAGE_KINDS),
  body: fc.jsonValue({maxDepth: 3}),
  priority: fc.constantFrom(...PRIORITIES),
  correlationId: fc.option(name),
});
const message = fc.tuple(told, addressee).map(([fields, to]) => ({...fields, ...to}));
/** Frames of the kinds that have a check of their own. */
const hotFrame = fc.oneof(
  fc.record({type: fc.constant('pull'), id, since: fc.nat(), limit: fc.integer({min: 1, max: 1000})}),
  fc.record({type: fc.constant('push'), id, items: fc.array(item, {minLength: 1, maxLength: 4})}),
  fc.record({type: fc.constant('presence'), id, presence}),
  fc.record({type: fc.constant('message'), id, message}),
  fc.record({type: fc.constant('received'), messages: fc.array(name, {minLength: 1, maxLength: 5})}),
);

/** What breaks a frame, or nearly does. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    0.5,
    1e300,
    2 ** 53,
    '',
    'x'.repeat(201),
    [],
    {},
    [null],
    'vote',
    'forgotten',
  ),
  fc.constant('x'.repeat(70_000)),
  fc.constant(Array.from({length: 101}, () => 'skill')),
);

/** The same value with one thing somewhere in it replaced, removed or added. */
function damaged(value: unknown, steps: readonly number[], by: unknown, how: 'replace' | 'remove' | 'add'): unknown {
  const [step, ...rest] = steps;
  if (typeof value !== 'object' || value === null || step === undefined) return by;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : {...value};
  const keys = Object.keys(copy);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return by;
  // Indexes of a list are its keys as well.
  const fields = copy as Record<string, unknown>;
  if (rest.length > 0) fields[key] = damaged(fields[key], rest, by, how);
  else if (how === 'replace' || Array.isArray(copy)) fields[key] = by;
  else if (how === 'remove') Reflect.deleteProperty(fields, key);
  else fields['extra'] = by;
  return copy;
}

describe('the fast check', () => {
  test('takes every good frame of its kinds', () => {
    fc.assert(
      fc.property(hotFrame, frame => {
        expect(surelyFrame(JSON.parse(JSON.stringify(frame)))).toBe(true);
      }),
    );
  });

  test('takes nothing that the schema does not take as it is', () => {
    const steps = fc.array(fc.nat({max: 12}), {minLength: 1, maxLength: 5});
    const how = fc.constantFrom<'replace' | 'remove' | 'add'>('replace', 'remove', 'add');
    fc.assert(
      fc.property(hotFrame, steps, junk, how, (frame, path, by, way) => {
        const value: unknown = JSON.parse(JSON.stringify(damaged(frame, path, by, way)));
        if (!surelyFrame(value)) return;
        expect(clientFrameSchema.parse(value)).toEqual(value);
      }),
      {numRuns: 3000},
    );
  });
});

describe('readClientFrame', () => {
  const failure = (told: string) => {
    const read = readClientFrame(told);
    return read.ok ? null : read.failure;
  };

  test('names the place and the request', () => {
    expect(failure('nonsense')).toEqual({id: null, path: '', message: 'it is not JSON'});
    expect(failure('{"type":"pull","id":4,"since":-1,"limit":5}')).toMatchObject({id: 4, path: 'since'});
    const push = {type: 'push', id: 9, items: [{kind: 'change', change: {kind: 'vote', value: 7}}]};
    expect(failure(JSON.stringify(push))).toMatchObject({id: 9, path: 'items[0].change.id'});
    expect(failure('{"type":"pull","id":1,"since":1,"limit":5,"more":1}')?.message).toContain('"more"');
    expect(failure('[]')).toMatchObject({id: null});
    expect(failure('{"type":"none","id":1}')?.message).toContain("'pull'");
  });

  const messageWith = (body: string) =>
    `{"type":"message","id":1,"message":{"id":"m","to":null,"topic":null,"kind":"message","body":${body},"priority":"low","correlationId":null}}`;

  test('refuses skills in a message to one agent, and more of them than an agent has', () => {
    const told = {id: 'm', topic: null, kind: 'message', body: 1, priority: 'low', correlationId: null};
    const read = (addressee: object) =>
      failure(JSON.stringify({type: 'message', id: 1, message: {...told, ...addressee}}));
    expect(read({to: null, skills: ['sql']})).toBeNull();
    expect(read({to: 'bob', skills: ['sql']})).toMatchObject({
      path: 'message.skills',
      message: expect.stringContaining('leave them out'),
    });
    expect(read({to: null, skills: Array.from({length: 101}, () => 'sql')})).toMatchObject({path: 'message.skills'});
  });

  test.each(['__proto__', 'constructor', '\\u005f_proto__', 'c\\u006fnstructor'])(
    'refuses the key %s at any depth',
    key => {
      const read = failure(messageWith(`{"a":[{"${key}":{"x":1}}]}`));
      expect(read).toMatchObject({
        id: 1,
        path: 'message.body.a[0]',
        message: expect.stringContaining('is not allowed'),
      });
      expect(failure(`{"type":"who","id":1,"${key}":1}`)).not.toBeNull();
      expect(
        failure(`{"type":"presence","id":1,"presence":{"${key}":1,"status":"","doing":null,"skills":[]}}`),
      ).not.toBeNull();
    },
  );

  test('takes the same words where they are no keys', () => {
    expect(readClientFrame(messageWith('"__proto__ and constructor"')).ok).toBe(true);
  });

  test('refuses what nests deep, without falling over', () => {
    expect(readClientFrame(messageWith('['.repeat(25) + ']'.repeat(25))).ok).toBe(true);
    for (const depth of [40, 500_000]) {
      expect(failure(messageWith('['.repeat(depth) + ']'.repeat(depth)))?.message).toBe('it nests deeper than 32');
      expect(failure('['.repeat(depth) + ']'.repeat(depth))).not.toBeNull();
      expect(failure(`{"type":"who","id":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`)).not.toBeNull();
    }
  });

  test('refuses half characters, which would come out of a store as others', () => {
    expect(failure(messageWith('"\\ud83d"'))?.message).toContain('surrogate');
    expect(failure(`{"type":"get","id":1,"episode":"a\\udc00"}`)?.path).toBe('episode');
    expect(readClientFrame(messageWith('"\\ud83d\\ude00"')).ok).toBe(true);
  });

  test('says little about what is long', () => {
    expect(failure(`{"type":"who","id":1,"${'x'.repeat(100_000)}":1}`)!.message.length).toBeLessThan(400);
  });
});
