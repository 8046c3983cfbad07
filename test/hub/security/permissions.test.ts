import {expect, test} from 'vitest';
import {
  changeAction,
  documentAction,
  type HubAction,
  keyAction,
  messageAction,
  PERMISSIONS,
  permits,
} from '../../../src/hub/security/permissions.ts';
import {EPISODE_STANDINGS, type EpisodeChange} from '../../../src/model/episode.ts';
import {HUB_ROLES, type HubRole, MESSAGE_KINDS} from '../../../src/model/hub.ts';
import {changeSchema, clientFrameSchema} from '../../../src/wire/hub-protocol.ts';

const frames = clientFrameSchema.options.map(option => option.shape.type.value);
const changes = changeSchema.options.map(option => option.shape.kind.value);
/** Changes that the hub makes itself and takes from nobody. */
const ofTheHub: readonly HubAction[] = ['change.merge', 'change.tally'];
const actions = (Object.keys(PERMISSIONS) as HubAction[]).filter(action => !ofTheHub.includes(action));

/** What there is to ask about a frame of this type. */
function actionsOf(frame: (typeof frames)[number]): HubAction[] {
  if (frame === 'message')
    return MESSAGE_KINDS.flatMap(kind => [messageAction({kind, to: 'a'}), messageAction({kind, to: null})]);
  if (frame === 'document') return [documentAction({update: null}), documentAction({update: 'AA=='})];
  if (frame === 'key') return [null, 'a', 'b'].map(agentId => keyAction({agentId}, 'a'));
  if (frame === 'push') return ['push', 'push.for'];
  return [frame];
}

function actionsOfChange(kind: EpisodeChange['kind']): HubAction[] {
  const change = {id: 'c', episode: 'e', by: 'a', at: '0'};
  if (kind !== 'standing') return [changeAction({...change, kind} as EpisodeChange, 'own')];
  return EPISODE_STANDINGS.flatMap(standing =>
    (['own', 'others'] as const).map(whose => changeAction({...change, kind, standing}, whose)),
  );
}

test('every frame and every change is in the table, and nothing else is', () => {
  const asked = new Set([...frames.flatMap(actionsOf), ...changes.flatMap(actionsOfChange)]);
  expect([...asked].toSorted()).toEqual(actions.toSorted());
});

test('a reader writes nothing', () => {
  const may = actions.filter(action => permits('reader', action));
  expect(may.toSorted()).toEqual(
    [
      'hello',
      'refresh',
      'pull',
      'recall',
      'get',
      'states',
      'who',
      'subscribe',
      'received',
      'stats',
      'document.read',
    ].toSorted(),
  );
});

test('who may more may all that who may less may', () => {
  const ranks: HubRole[] = ['reader', 'worker', 'coordinator', 'admin'];
  for (const action of actions) {
    const may = ranks.map(role => permits(role, action));
    expect(
      may.toSorted((a, b) => Number(a) - Number(b)),
      action,
    ).toEqual(may);
    expect(permits('admin', action)).toBe(true);
  }
});

test('an agent makes its own key known; those of others only an admin does', () => {
  const may = (action: HubAction) => HUB_ROLES.filter(role => permits(role, action));
  expect([null, 'a'].map(agentId => keyAction({agentId}, 'a'))).toEqual(['key.own', 'key.own']);
  expect(keyAction({agentId: 'a/b'}, 'a')).toBe('key.others');
  expect([may('key.own'), may('key.others')]).toEqual([['worker', 'coordinator', 'admin'], ['admin']]);
});

test('only who leads quarantines, forgets for others, speaks for others, or assigns tasks to all', () => {
  const led = actions.filter(action => !permits('worker', action) && action !== 'key.others');
  expect(led.toSorted()).toEqual([
    'message.task_assignment.all',
    'push.for',
    'standing.active.others',
    'standing.active.own',
    'standing.forgotten.others',
    'standing.quarantined.others',
    'standing.quarantined.own',
  ]);
  for (const action of led) expect(HUB_ROLES.filter(role => permits(role, action))).toEqual(['coordinator', 'admin']);
  const forget = {id: 'c', episode: 'e', by: 'a', at: '0', kind: 'standing', standing: 'forgotten'} as const;
  expect(permits('worker', changeAction(forget, 'own'))).toBe(true);
  expect(permits('worker', changeAction(forget, 'others'))).toBe(false);
});

test('what only the hub says of an episode nobody else may say', () => {
  for (const action of ofTheHub) expect(HUB_ROLES.filter(role => permits(role, action))).toEqual([]);
  const change = {id: 'c', episode: 'e', by: 'a', at: '0'};
  expect(changeAction({...change, kind: 'merge', into: 'f'}, 'own')).toBe('change.merge');
  for (const said of [
    {kind: 'merge', into: 'f'},
    {kind: 'tally', merged: 1, uses: 1},
  ]) {
    expect(changeSchema.safeParse({...change, ...said}).success).toBe(false);
  }
});

test('what is not in the table nobody may do', () => {
  for (const action of ['', 'toString', '__proto__', 'constructor', 'pull ', 'change.standing']) {
    for (const role of HUB_ROLES) expect(permits(role, action as HubAction)).toBe(false);
  }
  expect(permits('root' as HubRole, 'pull')).toBe(false);
});
