import {describe, expect, it} from 'vitest';
import {DEFAULT_AUTOSCALE} from '../../src/model/autoscale.ts';
import type {Plan} from '../../src/model/plan.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';

function parse(text: string) {
  const result = parsePlan({file: 'f', bytes: Buffer.from(`version: 1\n${text}`)});
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.value;
}

const tasks = (text: string): Plan['tasks'] => parse(text).plan.tasks;
const warnings = (text: string) =>
  parse(text).warnings.map(({line, column, message, hint}) => `${line}:${column} ${message} | ${hint}`);

describe('the agents of a plan', () => {
  it('are groups by name or in a list, with what they do not say filled in', () => {
    const group = {skills: [], runtime: 'command', model: null, costPerHour: null, speed: 1, slots: 1};
    const coder = {
      name: 'coder',
      count: 20,
      skills: ['a', 'b'],
      runtime: 'pi',
      model: 'x/y/z',
      costPerHour: 0.5,
      speed: 2,
      slots: 3,
    };
    const rest = 'count: 20, skills: [a, b, a], runtime: pi/x/y/z, cost-per-hour: 0.5, speed: 2, slots: 3';
    const expected = [coder, {...group, name: 'deployer', count: 5, skills: ['ship']}];
    expect(
      parse(`agents: {coder: {${rest}}, deployer: {count: 5, skills: ship}}\ntasks: {t: {run: x}}`).plan.agents,
    ).toEqual(expected);
    expect(
      parse(`agents: [{name: coder, ${rest}}, {name: deployer, count: 5, skills: ship}]\ntasks: {t: {run: x}}`).plan
        .agents,
    ).toEqual(expected);
    expect(
      parse('agents: {a: {count: 1}}\ndefaults: {runtime: claude/haiku}\ntasks: {t: {run: x}}').plan.agents,
    ).toEqual([{...group, name: 'a', count: 1, runtime: 'claude', model: 'haiku'}]);
  });

  it('come with a budget, an escalation, secrets and a check of the branch', () => {
    const top = 'verify: npm test\nsecrets: KEY\nenv-file: [.env, b]\nescalate: {to: claude/opus}\n';
    expect(parse(`${top}budget: 50\ntasks: {t: {run: x}}`)).toMatchObject({
      envFiles: ['.env', 'b'],
      plan: {
        verify: 'npm test',
        secrets: ['KEY'],
        budget: {usd: 50, tokens: null},
        escalate: {after: 1, to: [{runtime: 'claude', model: 'opus'}]},
      },
    });
    expect(parse('speculate: {budget-share: 0.5}\ntasks: {t: {run: x}}').plan.speculate).toEqual({budgetShare: 0.5});
    expect(parse('budget: {tokens: 5}\nescalate: {after: 3, to: [pi]}\ntasks: {t: {run: x}}').plan).toMatchObject({
      budget: {usd: null, tokens: 5},
      escalate: {after: 3, to: [{runtime: 'pi', model: null}]},
    });
    expect(Object.keys(parse('tasks: {t: {run: x}}').plan)).toEqual(['name', 'env', 'tasks']);
  });

  it('come with a budget for any hour, and with what happens when it is used up', () => {
    expect(parse('budget: {per-hour: 5}\non-budget: pause\ntasks: {t: {run: x}}').plan).toMatchObject({
      budget: {usd: null, tokens: null, perHour: 5},
      onBudget: 'pause',
    });
  });

  it('grow and shrink by themselves', () => {
    const strategyOf = (text: string) => parse(`strategy: ${text}\ntasks: {t: {run: x}}`).plan.strategy;
    expect(strategyOf('consistent-hash')).toEqual({name: 'consistent-hash'});
    expect(strategyOf('{name: weighted, weights: {speed: 2}}')).toEqual({
      name: 'weighted',
      weights: {speed: 2, cost: 0, reliability: 0},
    });
    const autoscaleOf = (text: string) => parse(`autoscale: ${text}\ntasks: {t: {run: x}}`).plan.autoscale;
    expect(autoscaleOf('true')).toEqual(DEFAULT_AUTOSCALE);
    expect(autoscaleOf('false')).toBeUndefined();
    expect(autoscaleOf('{max: 10, scale-up-threshold: 3, idle: 2m, max-cost-per-hour: 4}')).toEqual({
      ...DEFAULT_AUTOSCALE,
      max: 10,
      scaleUpThreshold: 3,
      idleMs: 120_000,
      maxCostPerHour: 4,
    });
    expect(autoscaleOf('{min: 80}')).toMatchObject({min: 80, max: 80});
    expect(autoscaleOf('{min: 0}')).toMatchObject({min: 0, max: 50});
  });
});

describe('a task for agents', () => {
  it('has a worktree that it must change, unless it is asked for an answer', () => {
    const common = {
      expressions: {},
      needs: [],
      condition: 'success',
      retries: 2,
      priority: 0,
      env: {},
      continueOnError: false,
    };
    expect(
      tasks(
        'tasks: {a: {prompt: x}, b: {prompt: x, outputs: text}, c: {prompt: x, change: none}, d: {run: x, workspace: worktree}, e: {run: x}}',
      ),
    ).toEqual([
      {...common, id: 'a', prompt: ['x'], workspace: 'worktree', change: 'required'},
      {...common, id: 'b', prompt: ['x'], outputs: 'text', workspace: 'worktree', change: 'optional'},
      {...common, id: 'c', prompt: ['x'], workspace: 'worktree', change: 'none'},
      {...common, id: 'd', retries: 0, run: 'x', workspace: 'worktree', change: 'optional'},
      {...common, id: 'e', retries: 0, run: 'x'},
    ]);
  });

  it('says who may do it, what it may change and what it takes', () => {
    const text =
      'tasks: {a: {prompt: x, skills: [s, s], prefer: p, runtime: claude/haiku, touches: [./a, b/**], estimate: {usd: 0.1, tokens: 9, duration: 2m}},' +
      ' b: {prompt: x, foreach: [1], model: m, touches: {paths: "src/${{ item }}", otherwise: warn}, estimate: 90}}';
    expect(tasks(text)).toMatchObject([
      {
        skills: ['s'],
        prefer: ['p'],
        runtime: 'claude',
        model: 'haiku',
        touches: {globs: ['a', 'b/**'], policy: 'fail'},
        estimate: {usd: 0.1, tokens: 9, durationMs: 120_000},
      },
      {
        model: 'm',
        touches: {globs: [], itemGlobs: [['src/', {item: []}]], policy: 'warn'},
        estimate: {durationMs: 90_000},
      },
    ]);
    expect(tasks(text)[1]).not.toHaveProperty('runtime');
  });

  it('takes from the defaults what it does not say, and a default model only with its runtime', () => {
    const defaults = 'defaults: {runtime: claude/haiku, skills: [s], workspace: worktree}\n';
    const text =
      'tasks: {a: {prompt: x}, b: {prompt: x, model: opus, skills: []}, c: {prompt: x, runtime: pi}, d: {run: x}, e: {run: x, workspace: in-place}}';
    const [a, b, c, d, e] = tasks(defaults + text);
    expect(a).toMatchObject({runtime: 'claude', model: 'haiku', skills: ['s']});
    expect(b).toMatchObject({runtime: 'claude', model: 'opus'});
    expect(b).not.toHaveProperty('skills');
    expect(c).toMatchObject({runtime: 'pi'});
    expect(c).not.toHaveProperty('model');
    expect(d).toMatchObject({run: 'x', workspace: 'worktree', change: 'optional', skills: ['s']});
    expect(d).not.toHaveProperty('runtime');
    expect(e).not.toHaveProperty('workspace');
  });

  it('that is reviewed has a companion beside it, which nothing needs', () => {
    const text =
      'defaults: {retries: 2, timeout: 1m, runtime: pi}\ntasks:\n  a: {prompt: Do it., priority: 3, env: {E: 1}, review: {prompt: Look hard., skills: r, runtime: claude/opus, rounds: 4}}\n  b: {run: ./x, needs: a, workspace: worktree, review: true}';
    const [a, review, b, second, ...more] = tasks(text);
    expect(more).toEqual([]);
    expect(a).toMatchObject({id: 'a', review: {rounds: 4}});
    expect(review).toEqual({
      id: 'a.review',
      prompt: ['Look hard.'],
      reviews: 'a',
      needs: [],
      condition: 'success',
      expressions: {},
      timeoutMs: 60_000,
      retries: 2,
      priority: 3,
      env: {E: ['1']},
      continueOnError: false,
      skills: ['r'],
      runtime: 'claude',
      model: 'opus',
      workspace: 'worktree',
      change: 'none',
    });
    expect(b).toMatchObject({id: 'b', needs: ['a'], review: {rounds: 2}});
    expect(second?.prompt?.filter(part => typeof part === 'string').join('')).toMatch(
      /"approve": true or false.*run this script:\n\n\.\/x$/s,
    );
    expect(second).not.toHaveProperty('runtime');
  });

  it('is reviewed by default only where there is a change of one task to look at', () => {
    const text =
      'defaults: {review: {rounds: 1}}\ntasks: {a: {prompt: x}, b: {run: x}, c: {prompt: x, foreach: [1]}, d: {prompt: x, change: none}, e: {prompt: x, review: false}, f: {prompt: x, review: true}}';
    expect(tasks(text).map(({id, review}) => [id, review?.rounds])).toEqual([
      ['a', 1],
      ['a.review', undefined],
      ['b', undefined],
      ['c', undefined],
      ['d', undefined],
      ['e', undefined],
      ['f', 2],
      ['f.review', undefined],
    ]);
  });
});

describe('a task that nobody can do', () => {
  it('is warned of where the plan names its agents', () => {
    const agents =
      'agents: {coder: {count: 1, skills: [code, test], runtime: claude}, shell: {count: 1, skills: [ship]}}\n';
    const text =
      'tasks:\n  a: {run: x, skills: [cod]}\n  b: {run: x, skills: [code, ship]}\n  c: {prompt: x, skills: ship}\n  d: {prompt: x, runtime: pi, review: {skills: review}}\n  e: {prompt: x, skills: [test, code]}\n  f: {run: x}';
    expect(warnings(agents + text)).toEqual([
      '4:23 there is no group of `agents` with the skill `cod`, so nobody can do task `a` | did you mean `code`?',
      '5:23 there is no group of `agents` with the skills `code`, `ship`, so nobody can do task `b` | add them to the `skills` of a group',
      '6:3 no group of `agents` with the skill `ship` takes prompts, so nobody can do task `c` | give such a group a `runtime`, for example `claude`',
      '7:3 no group of `agents` runs `pi`, so nobody can do task `d` | give such a group a `runtime`, for example `claude`',
      '7:48 there is no group of `agents` with the skill `review`, so nobody can do the review of task `d` | add them to the `skills` of a group',
    ]);
  });

  it('is not one where a group takes everything, or all agents get a runtime that is found', () => {
    expect(warnings('agents: {a: {count: 1, runtime: pi}}\ntasks: {t: {prompt: x, skills: any}}')).toEqual([]);
    expect(warnings('agents: {a: {count: 1}}\ntasks: {t: {prompt: x, runtime: pi}}')).toEqual([]);
    expect(warnings('tasks: {t: {prompt: x, skills: any}}')).toEqual([]);
  });
});
