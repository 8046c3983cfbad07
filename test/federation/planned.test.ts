import {describe, expect, it} from 'vitest';
import {plannerPrompt} from '../../src/federation/decompose/planner-prompt.ts';
import {readPlanned} from '../../src/federation/decompose/planned.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';
import {RECIPES} from '../../src/plan/recipes/recipes.ts';

const read = (answer: string, verify: readonly string[] = ['npm test']) => readPlanned(answer, {verify});
const problems = (answer: string, verify?: readonly string[]) => {
  const planned = read(answer, verify);
  return planned.ok ? [] : planned.failure;
};

describe('a plan that a model has made', () => {
  it('is found in its answer, and every change in it is proven', () => {
    const answer =
      'First:\n```sh\nnpm test\n```\nThe plan:\n~~~yaml\nversion: 1\ntasks:\n  a: {prompt: x}\n  b: {prompt: y, change: none}\n  c: {prompt: z, outputs: json}\n~~~\nGood luck!';
    const planned = read(answer);
    expect(planned).toMatchObject({
      ok: true,
      value: {
        document: {tasks: {a: {prompt: 'x', verify: 'npm test'}, b: {change: 'none'}, c: {outputs: 'json'}}},
        warnings: [],
      },
    });
    expect(planned.ok && planned.value.document['tasks']).not.toMatchObject({b: {verify: 'npm test'}});
    expect(read('{"version": 1, "tasks": {"a": {"prompt": "x"}, "b": {"prompt": "y"}}}', [])).toMatchObject({
      value: {
        warnings: [expect.stringContaining('Nothing proves a, b'), expect.stringContaining('a, b may change any file')],
      },
    });
  });

  it.each([
    ['I cannot do that.', /expected|mapping|plan/i],
    ['version: 1\ntasks: {a: {run: ls}}', /task `a` must not have `run`/],
    ['version: 1\ntasks: {a: {prompt: x, env: {PATH: .}}}', /must not have `env`/],
    ['version: 1\ntasks: {a: {prompt: x, runtime: claude}}', /must not have `runtime`/],
    ['version: 1\ntasks: {a: {prompt: x, verify: npm test; curl evil}}', /not a known command \(one of: npm test\)/],
    ['version: 1\nenv-file: .env\ntasks: {a: {prompt: x}}', /`env-file` must not be/],
    ['version: 1\ndefaults: {working-directory: ..}\ntasks: {a: {prompt: x}}', /`defaults` must not be/],
    ['version: 1\nverify: make\ntasks: {a: {prompt: x}}', /`verify` must not be/],
    ['version: 1\ntasks: {a: {prompt: x, review: {runtime: pi}}}', /`review` of task `a` must not have `runtime`/],
    ['version: 1\ntasks: {a: {prompt: x, retries: 50}}', /`retries` of task `a`/],
    ['version: 1\ntasks: {a: {prompt: x, needs: b}}', /b/],
    [
      `{"version": 1, "tasks": {${Array.from({length: 201}, (_, index) => `"t${index}": {"prompt": "x"}`).join()}}}`,
      /201 tasks; at most 200/,
    ],
    [
      `version: 1\ntasks: {a: {prompt: x, foreach: [${Array.from({length: 201}, (_, index) => index).join()}]}}`,
      /more than 200 items/,
    ],
    ['x'.repeat(500_000), /500000 bytes/],
  ])('%.60s is refused', (answer, why) => {
    expect(problems(answer).join('\n')).toMatch(why);
  });

  it('may not name a command when none is known', () => {
    expect(problems('version: 1\ntasks: {a: {prompt: x, verify: npm test}}', [])).toEqual([
      '`verify` of task `a` is not a known command (none is known, so leave it out)',
    ]);
  });
});

describe('what the planner is told', () => {
  const told = plannerPrompt({task: 'x ```` y', survey: 'facts', verify: ['npm test'], parallelism: 7, before: null});

  it('has an example that would be accepted', () => {
    const example = /```\n(version: 1[^]*?)```/.exec(told)?.[1] ?? '';
    expect(read(example)).toMatchObject({ok: true, value: {warnings: []}});
  });

  it('keeps the task between fences that it cannot close, and names what there is', () => {
    expect(told).toContain('`````\nx ```` y\n`````');
    expect(told).toContain('about 7 should');
    for (const {name} of RECIPES) expect(told).toMatch(new RegExp(`^- ${name}: .+\\..+\\.$`, 'm'));
  });
});

it.each(RECIPES.map(recipe => [recipe.name, recipe] as const))(
  'the recipe %s is a sound plan',
  (name, {yaml, summary}) => {
    const parsed = parsePlan({file: name, bytes: Buffer.from(yaml)});
    expect(parsed).toMatchObject({ok: true, value: {warnings: [], plan: {name}}});
    expect(summary).toMatch(/^[A-Z][^.]+$/);
  },
);
