import {describe, expect, it} from 'vitest';
import {unpricedChoice} from '../../src/daemon/unpriced-choice.ts';
import {NO_AGENT_SETTINGS, type CustomRuntime} from '../../src/model/agent-settings.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import type {Plan} from '../../src/model/plan.ts';
import type {PromptTask} from '../../src/model/task.ts';
import {taskSpec} from '../model/fabricated-specs.ts';

function group(runtime: string, model: string | null = null, skills: readonly string[] = []): AgentGroup {
  return {name: runtime, count: 1, skills, runtime, model, costPerHour: null, speed: 1, slots: 1};
}

function prompt(changes: Partial<PromptTask> = {}): PromptTask {
  return {...taskSpec('p'), run: undefined, prompt: ['do it'], ...changes};
}

function plan(changes: Partial<Plan> = {}): Plan {
  return {name: null, env: {}, tasks: [taskSpec('c'), prompt()], ...changes};
}

const custom: CustomRuntime = {
  name: 'mine',
  command: ['mine'],
  promptBy: 'stdin',
  output: 'json',
  fields: {},
  secrets: [],
  provider: null,
  memoryBytes: null,
};
const price = {input: 1, output: 2, cacheRead: 1, cacheWrite: 1};

describe('the price of everything is known', () => {
  it.each([
    ['when nothing is a prompt', [group('codex')], plan({tasks: [taskSpec('c')]}), {}],
    ['when there is no plan', [group('codex')], null, {}],
    [
      'of runtimes that say themselves what they cost',
      [group('claude'), group('pi', 'x'), group('opencode')],
      plan(),
      {},
    ],
    ['of a model in the table', [group('codex', 'gpt-5')], plan(), {}],
    ['of a model that the user has given a price', [group('gemini', 'new')], plan(), {prices: {new: price}}],
    ['of a runtime whose output tells', [group('mine')], plan(), {runtimes: [{...custom, fields: {usd: 'cost'}}]}],
    [
      'when no prompt can go to the one without',
      [group('pi'), group('codex')],
      plan({tasks: [prompt({runtime: 'pi'})]}),
      {},
    ],
    [
      'when it has not the skill',
      [group('pi'), group('codex', null, ['b'])],
      plan({tasks: [prompt({skills: ['a']})]}),
      {},
    ],
    ['when its agents take commands only', [group('command'), group('pi')], plan(), {}],
  ] as const)('%s', (_, groups, what, settings) => {
    expect(unpricedChoice(groups, what, {...NO_AGENT_SETTINGS, ...settings})).toBeNull();
  });
});

describe('nobody knows the price', () => {
  it.each([
    ['of the default model of codex', [group('claude'), group('codex')], plan(), {}, 'codex', null],
    ['of an unheard-of model', [group('gemini', 'new')], plan(), {}, 'gemini', 'new'],
    [
      'of a model that a task asks for',
      [group('codex', 'gpt-5')],
      plan({tasks: [prompt({model: 'new'})]}),
      {},
      'codex',
      'new',
    ],
    ['of a custom runtime that tells nothing', [group('mine')], plan(), {runtimes: [custom]}, 'mine', null],
    [
      'of what failed tasks are moved to',
      [group('claude')],
      plan({
        escalate: {
          after: 1,
          to: [
            {runtime: 'claude', model: 'opus'},
            {runtime: 'codex', model: 'big'},
          ],
        },
      }),
      {},
      'codex',
      'big',
    ],
  ] as const)('%s', (_, groups, what, settings, runtime, model) => {
    expect(unpricedChoice(groups, what, {...NO_AGENT_SETTINGS, ...settings})).toEqual({runtime, model});
  });
});
