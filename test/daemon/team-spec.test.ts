import {expect, test} from 'vitest';
import {DEFAULT_SETTINGS} from '../../src/config/settings.ts';
import {configuredSpeculate, specOf} from '../../src/daemon/team-spec.ts';

const request = {count: 1, cwd: '/p', umask: 0o22, env: {}};
const facts = {name: 'a', plan: null, env: {}, secretNames: [], traceId: '0'.repeat(32), requestKey: 'k', depth: 0};

function spec(settings: Partial<typeof DEFAULT_SETTINGS>) {
  const asked = {...DEFAULT_SETTINGS, ...settings};
  const rest = {request, repository: null, memory: 'on', hub: null, autoscale: null} as const;
  return specOf({...facts, ...rest, ...configuredSpeculate(asked)});
}

test('a team keeps what was configured of second attempts when it was spawned, and nothing where nobody has set it', () => {
  expect(spec({})).not.toHaveProperty('speculate');
  expect(spec({speculatePrompts: 'on'}).speculate).toMatchObject({prompts: true, budgetShare: 0.1});
  expect(spec({speculateShare: 0.5}).speculate).toMatchObject({prompts: false, budgetShare: 0.5});
});
