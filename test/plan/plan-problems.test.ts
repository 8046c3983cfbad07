import {describe, expect, it} from 'vitest';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';

/** `line:column message | hint` for each problem, in order. */
function problems(text: string | Uint8Array): readonly string[] {
  const result = parsePlan({file: 'godel.yaml', bytes: Buffer.from(text)});
  if (result.ok) return ['ok'];
  if (result.failure.reason !== 'plan-invalid') return [JSON.stringify(result.failure)];
  return result.failure.problems.map(({line, column, message, hint}) => {
    return `${line}:${column} ${message}${hint === undefined ? '' : ` | ${hint}`}`;
  });
}

const inTask = (lines: string) => `version: 1\ntasks:\n  a:\n    run: x\n${lines.replaceAll(/^/gm, '    ')}\n`;

const CASES: readonly {name: string; text: string; want: readonly string[]}[] = [
  {
    name: 'an unknown key of a task',
    text: inTask('retrys: 2'),
    want: ['5:5 unknown key `retrys` in task `a` | did you mean `retries`?'],
  },
  {
    name: 'a key that has another name elsewhere',
    text: inTask('depends_on: []\ncwd: /'),
    want: [
      '5:5 unknown key `depends_on` in task `a` | the word here is `needs`',
      '6:5 unknown key `cwd` in task `a` | the word here is `working-directory`',
    ],
  },
  {
    name: 'an unknown key at the top and in defaults',
    text: 'version: 1\njobs: {}\ndefaults: {timout: 1m}\ntasks: {a: {run: x}}',
    want: [
      '2:1 unknown key `jobs` in the plan | the word here is `tasks`',
      '3:12 unknown key `timout` in `defaults` | did you mean `timeout`?',
    ],
  },
  {
    name: 'a missing version and missing tasks',
    text: 'name: x',
    want: [
      '1:1 `version` is missing | add `version: 1`',
      '1:1 `tasks` is missing | add a task, for example `tasks: {hello: {run: echo hello}}`',
    ],
  },
  {
    name: 'no tasks',
    text: 'version: 1\ntasks: {}',
    want: ['2:8 the plan has no tasks | add a task, for example `tasks: {hello: {run: echo hello}}`'],
  },
  {
    name: 'tasks as a list',
    text: 'version: 1\ntasks:\n  - run: x',
    want: ['3:3 `tasks` must be a mapping from task ids to tasks, not a list | write `id: {run: …}` for each task'],
  },
  {
    name: 'another version',
    text: 'version: 2\ntasks: {a: {run: x}}',
    want: ['1:10 `version` must be 1, not 2'],
  },
  {
    name: 'a wrong need of a task that is wrong in itself',
    text: 'version: 1\ntasks:\n  a: {run: x}\n  b: {run: x, needs: [aa], retries: -1}',
    want: [
      '4:23 task `b` needs `aa`, and there is no such task | did you mean `a`?',
      '4:37 `retries` of task `b` must be a whole number from 0 to 100, not -1',
    ],
  },
  {
    name: 'needs that do not exist',
    text: 'version: 1\ntasks:\n  build: {run: x}\n  test: {run: x, needs: [build, biuld]}\n  ship: {run: x, needs: nothing}',
    want: [
      '4:33 task `test` needs `biuld`, and there is no such task | did you mean `build`?',
      '5:25 task `ship` needs `nothing`, and there is no such task | add the task, or remove it from `needs`',
    ],
  },
  {
    name: 'a cycle, with its whole path',
    text: 'version: 1\ntasks:\n  a: {run: x, needs: b}\n  b: {run: x, needs: [c]}\n  c: {run: x, needs: [a]}\n  d: {run: x, needs: [a]}',
    want: [
      '3:22 these tasks wait for each other: a → b → c → a | each needs the next; remove one of them from `needs`',
    ],
  },
  {
    name: 'a task that needs itself',
    text: inTask('needs: a'),
    want: ['5:12 these tasks wait for each other: a → a | each needs the next; remove one of them from `needs`'],
  },
  {
    name: 'two tasks with one id',
    text: 'version: 1\ntasks:\n  a: {run: x}\n  b: {run: x}\n  a: {run: y}',
    want: ['5:3 there are two tasks `a`, at lines 3 and 5 | rename or remove one of them'],
  },
  {
    name: 'two tasks with one id in JSON',
    text: '{"version": 1,\n "tasks": {\n  "a": {"run": "x"},\n  "\\u0061": {"run": "y"}}}',
    want: ['4:3 there are two tasks `a`, at lines 3 and 4 | rename or remove one of them'],
  },
  {
    name: 'a key twice in a task',
    text: inTask('run: y'),
    want: ['5:5 the key `run` is there twice, at lines 4 and 5 | remove one of them'],
  },
  {
    name: 'wrong values',
    text: inTask(
      [
        'timeout: 10',
        'retries: "3"',
        'priority: high',
        'continue-on-error: yes',
        'outputs: yaml',
        'if: always',
        'verify: 3',
        'needs: [1]',
        'env: {GODEL_X: 1, A: null, B: []}',
      ].join('\n'),
    ),
    want: [
      '6:14 `retries` of task `a` must be a whole number from 0 to 100, not "3" | remove the quotes',
      '7:15 `priority` of task `a` must be a whole number from -1000000 to 1000000, not "high"',
      '8:24 `continue-on-error` of task `a` must be `true` or `false`, not "yes"',
      '9:14 `outputs` of task `a` must be `text`, `lines` or `json`, not "yaml"',
      '10:9 `if` of task `a` must be `success()`, `failure()` or `always()`, not "always" | write `if: always()`',
      '11:13 `verify` of task `a` must be a shell script (text, not empty, at most 1 MB, without NUL), not 3 | put it in quotes: "3"',
      '12:13 `needs[0]` of task `a` must be a task id (1 to 200 bytes of text; no control characters, `/`, `[` or `]`; not only dots), not 1 | put it in quotes: "1"',
      '13:11 "GODEL_X" is not a name for an environment variable (letters, digits and `_`, no digit first; `GODEL_…` is reserved)',
      '13:26 `env.A` of task `a` must be text, a number, `true` or `false` (at most 100 KiB, without NUL), not null | a key without a value is null; write the value, or `""` for an empty text',
      '13:35 `env.B` of task `a` must be text, a number, `true` or `false` (at most 100 KiB, without NUL), not an empty list',
    ],
  },
  {
    name: 'a timeout without a unit in quotes, and one that is too long',
    text: 'version: 1\ndefaults: {timeout: "10"}\ntasks: {a: {run: x, timeout: 25d}}',
    want: [
      '2:21 `defaults.timeout` must be a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days, not "10" | write `10s` or `10m`, or the number without quotes',
      '3:30 `timeout` of task `a` must be a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days, not "25d"',
    ],
  },
  {
    name: 'a condition in GitHub braces, and one that is not in this version',
    text: 'version: 1\ntasks:\n  a: {run: x, if: "${{ failure() }}"}\n  b: {run: x, if: "x == 1"}',
    want: [
      '3:19 `if` of task `a` must be `success()`, `failure()` or `always()`, not "${{ failure() }}" | write `if: failure()`',
      '4:19 `if` of task `b` must be `success()`, `failure()` or `always()`, not "x == 1" | conditions other than these three are not in this version',
    ],
  },
  {
    name: 'nothing to do, both kinds of work, and nothing at all',
    text: 'version: 1\ntasks:\n  a: {needs: []}\n  b:\n  c: {run: x, prompt: y}\n  d: {prompt: " "}',
    want: [
      '3:3 task `a` has nothing to do | add `run: <shell command>` or `prompt: <what an agent is to do>`',
      '4:3 task `b` must be a mapping with `run` or `prompt`, not null | a key without a value is null; write the value, or `""` for an empty text',
      '5:15 task `c` has both `run` and `prompt` | keep one of them; a check of what the prompt has done is a `verify`',
      '6:15 `prompt` of task `d` must be what an agent is to do (text, not empty, at most 1 MB, without NUL), not " "',
    ],
  },
  {
    name: 'what a prompt cannot have, and what only a worktree has',
    text: [
      'version: 1',
      'defaults: {runtime: command}',
      'tasks:',
      '  a: {prompt: x, workspace: in-place, runtime: claude}',
      '  b: {prompt: x}',
      '  c: {prompt: x, runtime: claude/haiku, model: opus}',
      '  d: {run: x, runtime: claude, model: opus}',
      '  e: {run: x, change: none, touches: a, review: true}',
      '  f: {run: x, workspace: worktree, change: none, touches: a, review: true}',
      '  g: {run: x, review: false}',
    ].join('\n'),
    want: [
      '2:21 the runtime `command` of task `b` takes no prompts | name a coding agent, for example `claude`',
      '4:29 task `a` has a `prompt`, and a coding agent never works in place | remove `workspace`: it gets a worktree of its own',
      '6:41 `model` of task `c` is named already in `runtime: claude/haiku` | remove one of them',
      '7:15 task `d` has `runtime`, which is for prompts only | remove `runtime`; who may run a command is said with `skills`',
      '7:32 task `d` has `model`, which is for prompts only | remove `model`; who may run a command is said with `skills`',
      '8:15 task `e` has `change`, and it runs in place, where nobody can tell what it has changed | add `workspace: worktree`, or remove `change`',
      '8:29 task `e` has `touches`, and it runs in place, where nobody can tell what it has changed | add `workspace: worktree`, or remove `touches`',
      '8:41 task `e` has `review`, and it runs in place, where nobody can tell what it has changed | add `workspace: worktree`, or remove `review`',
    ],
  },
  {
    name: 'a review that cannot be',
    text: [
      'version: 1',
      'tasks:',
      '  a: {prompt: x, foreach: [1], review: true}',
      '  b: {prompt: x, matrix: {m: [1]}, review: {rounds: 1}}',
      '  c: {prompt: x, review: true}',
      '  c.review: {run: x}',
      `  ${'d'.repeat(194)}: {prompt: x, review: {}}`,
      '  e: {prompt: x, review: {round: 3, skils: [a]}}',
      '  f: {prompt: x, review: {rounds: 11, prompt: "${{ item }}", runtime: claude/a, model: b}}',
      '  g: {prompt: x, review: {prompt: "${{ item }}", runtime: claude/a, model: b}}',
      '  h: {prompt: x, review: please, needs: c.revieww}',
    ].join('\n'),
    want: [
      '3:32 task `a` has both `review` and `foreach`, which do not go together yet | let a task that needs it, with a `prompt` of its own, look at all that was changed',
      '4:36 task `b` has both `review` and `matrix`, which do not go together yet | let a task that needs it, with a `prompt` of its own, look at all that was changed',
      '5:18 the review of task `c` would be the task `c.review`, which there is already | rename the task `c.review`',
      `7:211 \`review\` of task \`${'d'.repeat(194)}\` would be the task \`${'d'.repeat(194)}.review\`, whose id has more than 200 bytes | give the task a shorter id`,
      '8:27 unknown key `round` in `review` of task `e` | did you mean `rounds`?',
      '8:37 unknown key `skils` in `review` of task `e` | did you mean `skills`?',
      '9:35 `review.rounds` of task `f` must be a whole number from 1 to 10, not 11',
      '10:36 `review.prompt` of task `g`: `${{ item }}` has a value only in a task with `foreach` | add `foreach`, or remove the expression',
      '10:69 `review.model` of task `g` is named already in `runtime: claude/a` | remove one of them',
      '11:26 `review` of task `h` must be `true`, or a mapping such as `{skills: [reviewer], rounds: 2}`, not "please"',
      '11:41 task `h` needs `c.revieww`, and there is no such task | did you mean `c.review`?',
    ],
  },
  {
    name: 'words for agents that are none',
    text: inTask(
      [
        'skills: "a,b"',
        'prefer: [1]',
        'runtime: "claude haiku"',
        'model: --yolo',
        'workspace: here',
        'change: yes please',
        'estimate: {usd: 0, tokens: 1.5, time: 3m}',
        'touches: {path: a, otherwise: stop}',
        'retries: 1',
      ].join('\n'),
    ),
    want: [
      '5:13 `skills` of task `a` must be a skill (a word of at most 100 characters, without commas), not "a,b"',
      '6:14 `prefer[0]` of task `a` must be a skill (a word of at most 100 characters, without commas), not 1 | put it in quotes: "1"',
      '7:14 `runtime` of task `a` must be a runtime such as `claude`, or one with its model such as `claude/haiku`, not "claude haiku"',
      '8:12 `model` of task `a` must be the name of a model (without spaces), not "--yolo"',
      '9:16 `workspace` of task `a` must be `worktree` or `in-place`, not "here"',
      '10:13 `change` of task `a` must be `required`, `optional` or `none`, not "yes please"',
      '11:21 `estimate.usd` of task `a` must be a number, more than 0 and at most 1000000, not 0',
      '11:32 `estimate.tokens` of task `a` must be a whole number from 1 to 1000000000000, not 1.5',
      '11:37 unknown key `time` in `estimate` of task `a` | known keys are usd, tokens, duration',
      '12:14 `touches.paths` of task `a` is missing | add `paths`: a glob such as `src/**`, or a list of globs',
      '12:15 unknown key `path` in `touches` of task `a` | did you mean `paths`?',
      '12:35 `touches.otherwise` of task `a` must be `warn` or `fail`, not "stop"',
    ],
  },
  {
    name: 'globs that lead nowhere',
    text: 'version: 1\ntasks:\n  a: {prompt: x, touches: [/etc/*, ../x, "!a", a/**]}\n  b: {prompt: x, touches: {paths: src/../../x}}\n  c: {prompt: x, touches: ["a/${{ item }}"]}',
    want: [
      '3:28 `touches[0]` of task `a` must be a glob of files relative to the root of the repository, such as `src/**` (no `..`, no `!` in front), not "/etc/*"',
      '3:36 `touches[1]` of task `a` must be a glob of files relative to the root of the repository, such as `src/**` (no `..`, no `!` in front), not "../x"',
      '3:42 `touches[2]` of task `a` must be a glob of files relative to the root of the repository, such as `src/**` (no `..`, no `!` in front), not "!a"',
      '4:35 `touches.paths` of task `b` must be a glob of files relative to the root of the repository, such as `src/**` (no `..`, no `!` in front), not "src/../../x"',
      '5:31 `touches[0]` of task `c`: `${{ item }}` has a value only in a task with `foreach` | add `foreach`, or remove the expression',
    ],
  },
  {
    name: 'a matrix that cannot be',
    text: [
      'version: 1',
      'tasks:',
      '  a: {run: x, matrix: {os: []}}',
      '  b: {run: x, matrix: {os: linux}}',
      '  c: {run: x, matrix: {}}',
      '  d: {run: x, matrix: {os: [linux], exclude: [{os: linux}]}}',
      '  e: {run: x, matrix: {os: [18, "18"]}}',
      '  f: {run: x, matrix: {os: [a], exclude: [{so: a}]}}',
      '  g: {run: x, matrix: {"1st": [a]}}',
      '  h: {run: x, matrix: {os: [a]}, foreach: [1]}',
      '  i: {run: "${{ matrix.so }} ${{ inputs.x }}", matrix: {os: [a], include: [{deep: 1}]}}',
      '  j: {run: "${{ matrix.os }}", foreach: [1]}',
      '  k: {run: x, matrix: {os: [a], include: {os: b}}}',
      '  l: {run: x, matrix: [a]}',
    ].join('\n'),
    want: [
      '3:28 `matrix.os` of task `a` must be a list of at least one value, not an empty list',
      '4:28 `matrix.os` of task `b` must be a list of values, not "linux"',
      '5:15 `matrix` of task `c` has no combination left | give an axis such as `os: [linux, mac]`',
      '6:15 `matrix` of task `d` has no combination left | give an axis such as `os: [linux, mac]`',
      '7:33 `matrix.os` of task `e` has 18 twice, as values 1 and 2 | remove one of them',
      '8:44 `matrix.exclude[0]` of task `f` names `so`, and the matrix has no such axis | did you mean `os`?',
      '9:24 "1st" is not a name in a matrix (letters, digits, `_` and `-`, no digit first)',
      '10:15 task `h` has both `foreach` and `matrix` | keep one of them; a list of mappings is a `foreach` too',
      '11:13 `run` of task `i`: the matrix of the task has no `so` | did you mean `os`?',
      '11:30 `run` of task `i`: the plan has no input `x` | declare it: `inputs: {x: {required: true}}`',
      '12:13 `run` of task `j`: `${{ matrix.os }}` has a value only in a task with `matrix` | write `${{ item.os }}`',
      '13:42 `matrix.include` of task `k` must be a list of mappings from names to values, not a mapping',
      '14:23 `matrix` of task `l` must be a mapping from names to lists of values, not a list',
    ],
  },
  {
    name: 'matrices that are too large, once for each',
    text: [
      'version: 1',
      'x-n: &n [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]',
      'tasks:',
      '  a: {run: x, matrix: {a: *n, b: *n, c: *n, d: *n, e: *n, f: *n}}',
      '  b: {run: x, matrix: {a: *n, b: *n}}',
      '  c: {run: x, matrix: {a: *n}}',
    ].join('\n'),
    want: [
      '2:1 unknown key `x-n` in the plan | known keys are $schema, version, name, inputs, env, env-file, secrets, agents, budget, on-budget, limits, autoscale, strategy, eject, escalate, speculate, memory, verify, defaults, tasks',
      '5:15 `matrix` of task `b`: the matrices of the plan make more than 1000000 instances, here 100 | split the plan, or leave values out',
      '6:15 `matrix` of task `c`: the matrices of the plan make more than 1000000 instances, here 10 | split the plan, or leave values out',
    ],
  },
  {
    name: 'agents, budget, escalation and secrets',
    text: [
      'version: 1',
      'agents:',
      '  coder: {count: 0, skils: [a], costPerHour: 1}',
      '  "a b": {count: 1}',
      '  c: {count: 2, speed: 0, slots: "2", runtime: claude/x, model: y}',
      'budget: {usd: -1, token: 5}',
      'escalate: {after: 0}',
      'secrets: [GODEL_X]',
      'env-file: ""',
      'verify: ""',
      'defaults: {review: {round: 1}, model: a b}',
      'tasks: {a: {run: x}}',
    ].join('\n'),
    want: [
      '3:18 `agents.coder.count` must be a whole number from 1 to 10000, not 0',
      '3:21 unknown key `skils` in `agents.coder` | did you mean `skills`?',
      '3:33 unknown key `costPerHour` in `agents.coder` | the word here is `cost-per-hour`',
      '4:3 "a b" is not the name of a group of agents (a word of at most 50 characters: letters, digits, `_`, `-` and `.`)',
      '5:24 `agents.c.speed` must be a number, more than 0 and at most 1000, not 0',
      '5:34 `agents.c.slots` must be a whole number from 1 to 1000, not "2" | remove the quotes',
      '6:15 `budget.usd` must be a number, more than 0 and at most 1000000, not -1',
      '6:19 unknown key `token` in `budget` | did you mean `tokens`?',
      '7:11 `escalate.to` is missing | add `to`: a runtime such as `claude/opus`, or a list of them',
      '7:19 `escalate.after` must be a whole number from 1 to 100, not 0',
      '8:11 `secrets[0]` must be a name for an environment variable (letters, digits and `_`, no digit first; `GODEL_…` is reserved), not "GODEL_X"',
      '9:11 `env-file` must be a path (text, not empty, at most 4,096 characters, without NUL), not ""',
      '10:9 `verify` must be a shell script (text, not empty, at most 1 MB, without NUL), not ""',
      '11:21 unknown key `round` in `defaults.review` | did you mean `rounds`?',
      '11:39 `defaults.model` must be the name of a model (without spaces), not "a b"',
    ],
  },
  {
    name: 'whether a team remembers',
    text: ['version: 1', 'memory: false', 'tasks: {a: {run: x}}'].join('\n'),
    want: ['2:9 `memory` must be `on` or `off`, not false'],
  },
  {
    name: 'scaling, and what happens at the cap',
    text: [
      'version: 1',
      'budget: {perHour: 5}',
      'on-budget: wait',
      'autoscale: {min: 5, max: 2, scale-down-threshold: 20, idle: 0s, threshold: 1, max-cost-per-hour: "3"}',
      'tasks: {a: {run: x}}',
    ].join('\n'),
    want: [
      '2:10 unknown key `perHour` in `budget` | the word here is `per-hour`',
      '3:12 `on-budget` must be `stop`, `pause` or `ask`, not "wait"',
      '4:51 `autoscale.scale-down-threshold` must be a number from 0 to 1, not 20',
      '4:61 `autoscale.idle` must be a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days, not "0s"',
      '4:65 unknown key `threshold` in `autoscale` | known keys are min, max, scale-up-threshold, scale-down-threshold, idle, max-cost-per-hour',
      '4:98 `autoscale.max-cost-per-hour` must be a number, more than 0 and at most 1000000, not "3" | remove the quotes',
    ],
  },
  {
    name: 'a time of nothing, as a number',
    text: inTask('timeout: 0'),
    want: [
      '5:14 `timeout` of task `a` must be a time such as `90s`, `10m` or `1h30m`, or a number of seconds, more than 0 and at most 24 days, not 0',
    ],
  },
  {
    name: 'a strategy that there is not',
    text: 'version: 1\nstrategy: fastest\ntasks: {a: {run: x}}',
    want: [
      '2:11 `strategy` must be one of `round-robin`, `least-connections`, `weighted`, `consistent-hash`, `power-of-two`, `peak-ewma`, or a mapping such as `{name: weighted, weights: {speed: 1}}`, not "fastest"',
    ],
  },
  {
    name: 'weights that mean nothing',
    text: 'version: 1\nstrategy: {name: round-robin, weights: {speed: 1}}\ntasks: {a: {run: x}}',
    want: ['2:31 `weights` mean nothing for `round-robin` | remove `weights`, or take `weighted`'],
  },
  {
    name: 'weights of nothing, and of what there is not',
    text: 'version: 1\nstrategy: {name: weighted, weights: {speed: 0}}\ntasks: {a: {run: x}}',
    want: ['2:37 `strategy.weights` has none that is more than 0 | name one, such as `speed: 1`'],
  },
  {
    name: 'a cost that there is not',
    text: 'version: 1\ntasks: {a: {run: x, preferred-cost: cheap}}',
    want: ['2:37 `preferred-cost` of task `a` must be `low`, `medium` or `high`, not "cheap"'],
  },
  {
    name: 'fewer agents at most than at least',
    text: 'version: 1\nautoscale: {min: 5, max: 2}\ntasks: {a: {run: x}}',
    want: ['2:18 `autoscale.min` is more than `max`, which is 2 | write `max: 5`, or a lower `min`'],
  },
  {
    name: 'agents as a list, and limits that limit nothing',
    text: 'version: 1\nagents:\n  - {name: a, count: 1, runtime: claude/x, model: y}\n  - {name: a, count: 2}\n  - {name: b, count: 1}\nbudget: {}\ntasks: {a: {run: x}}',
    want: [
      '3:44 `agents[0].model` is named already in `runtime: claude/x` | remove one of them',
      '4:12 groups 1 and 2 of `agents` are both called `a` | rename one of them',
      '6:9 `budget` limits nothing | write `budget: 50` for USD, or `budget: {tokens: 2000000}`',
    ],
  },
  {
    name: 'no agents, and agents without a name',
    text: 'version: 1\nagents: [{count: 1}]\ntasks: {a: {run: x}}',
    want: [
      '2:10 `agents[0].name` is missing | add `name`: the name of a group of agents (a word of at most 50 characters: letters, digits, `_`, `-` and `.`)',
    ],
  },
  {
    name: 'inputs that cannot be',
    text: [
      'version: 1',
      'inputs:',
      '  1st: a',
      '  list: [a]',
      '  typo: {defautl: a}',
      '  region: eu',
      'env: {A: "${{ inputs.regoin }}", B: "${{ inputs.region }}"}',
      'tasks: {a: {run: "${{ inputs.whatever }}"}}',
    ].join('\n'),
    want: [
      '3:3 "1st" is not a name for an input (letters, digits, `_` and `-`, a letter or `_` first)',
      '4:9 `inputs.list` must be a value, or a mapping with `description`, `default` and `required`, not a list',
      '5:10 unknown key `defautl` in `inputs.typo` | did you mean `default`?',
    ],
  },
  {
    name: 'references to inputs that are none, also at the top',
    text: [
      'version: 1',
      'inputs: {region: eu, a-b: 1, a_b: 2}',
      'env: {A: "${{ inputs.regoin }}", B: "${{ inputs.region }}", C: "${{ item }}"}',
      'verify: test ${{ item }} ${{ inputs.region.x }}',
      'defaults: {working-directory: "${{ inputs.regio }}"}',
      'tasks: {a: {prompt: "${{ inputs }} ${{ input.region }}"}, b: {run: "${{ input.region }}"}}',
    ].join('\n'),
    want: [
      '2:30 inputs `a-b` and `a_b` would be the same environment variable GODEL_INPUT_A_B | rename one of them',
      '3:11 `env.A`: the plan has no input `regoin` | did you mean `region`?',
      '3:65 `env.C` holds for all tasks, so `${{ … }}` has no value there | write it in the task',
      '4:14 `verify`: `${{ item }}` has a value only in a task with `foreach` | add `foreach`, or remove the expression',
      '4:26 `verify`: `inputs.region.x` is not a reference to an input | write `inputs.region`',
      '5:32 `defaults.working-directory`: the plan has no input `regio` | did you mean `region`?',
      '6:22 `prompt` of task `a`: `inputs` is not a reference to an input | write `inputs.NAME`',
      '6:69 `run` of task `b`: `${{ input.region }}` means nothing here | write `inputs.region`',
    ],
  },
  {
    name: 'key and max-parallel without foreach',
    text: inTask('key: ${{ item }}\nmax-parallel: 3'),
    want: [
      '5:5 task `a` has `key` but no `foreach` | add `foreach`, or remove `key`',
      '6:5 task `a` has `max-parallel` but no `foreach` | add `foreach`, or remove `max-parallel`',
    ],
  },
  {
    name: 'ids that cannot be',
    text: 'version: 1\ntasks: {a/b: {run: x}, "c[1]": {run: x}, "": {run: x}, "..": {run: x}, " d": {run: x}, "e\\n": {run: x}}',
    want: ['2:9 "a/b"', '2:24 "c[1]"', '2:42 ""', '2:56 ".."', '2:72 " d"', '2:88 "e\\n"'].map(
      place =>
        `${place} is not a task id (1 to 200 bytes of text; no control characters, \`/\`, \`[\` or \`]\`; not only dots)`,
    ),
  },
  {
    name: 'foreach over what is not upstream, has no output, is a foreach, is no task',
    text: [
      'version: 1',
      'tasks:',
      '  list: {run: x, outputs: json}',
      '  text: {run: x, outputs: text}',
      '  none: {run: x}',
      '  each: {run: x, needs: list, foreach: "${{ tasks.list.output }}", outputs: json}',
      '  a: {run: x, foreach: "${{ tasks.list.output }}"}',
      '  b: {run: x, needs: text, foreach: "${{ tasks.text.output }}"}',
      '  c: {run: x, needs: none, foreach: "${{ tasks.none.output }}"}',
      '  d: {run: x, needs: each, foreach: "${{ tasks.each.output }}"}',
      '  e: {run: x, needs: list, foreach: "${{ tasks.lits.output }}"}',
      '  f: {run: x, needs: [each], foreach: "${{ tasks[\'list\'].output.files }}"}',
    ].join('\n'),
    want: [
      '7:24 task `a` goes over the output of `list`, which does not come before it | add `list` to its `needs`',
      '8:37 task `b` goes over the output of `text`, which declares `outputs: text` | add `outputs: json` or `outputs: lines` to `text`',
      '9:37 task `c` goes over the output of `none`, which declares no output | add `outputs: json` or `outputs: lines` to `none`',
      '10:37 task `d` goes over the output of `each`, which is itself a `foreach` and has many outputs | put a task between them that needs `each`, reads "$GODEL_INPUTS" and prints one list',
      '11:37 task `e` goes over the output of `lits`, and there is no such task | did you mean `list`?',
    ],
  },
  {
    name: 'foreach that is no reference',
    text: 'version: 1\ntasks:\n  a: {run: x, foreach: tasks.list.output}\n  b: {run: x, foreach: "${{ item }}"}\n  c: {run: x, foreach: "${{ tasks.x }}"}\n  d: {run: x, foreach: "${{ tasks.x.output"}\n  e: {run: x, foreach: 3}',
    want: [
      '3:24 `foreach` of task `a` must be one expression and nothing else | write `${{ tasks.list.output }}`',
      '4:24 `foreach` of task `b` must name the output of a task, not `item` | write `${{ tasks.ID.output }}` with the id of a needed task, or a list',
      '5:24 `foreach` of task `c` must name the output of a task, not `tasks.x` | write `${{ tasks.ID.output }}` with the id of a needed task, or a list',
      '6:25 an expression `${{` is not closed | close it with `}}`',
      '7:24 `foreach` of task `e` must be an expression such as `${{ tasks.list.output }}`, or a list, not 3',
    ],
  },
  {
    name: 'expressions in the wrong place, at their own line',
    text: [
      'version: 1',
      'env: {A: "${{ item }}"}',
      'defaults: {working-directory: "a/${{ item }}"}',
      'tasks:',
      '  a:',
      '    run: |',
      '      echo ${{ env.HOME }}',
      '      echo "${{ tasks.b.output }}"',
      '      echo ${{ item.x }}',
      '    verify: test ${{ matrix.os }}',
      '  b: {foreach: [1], key: same, run: "echo ${{ item. }} ${{ github.sha }}"}',
    ].join('\n'),
    want: [
      '2:11 `env.A` holds for all tasks, so `${{ … }}` has no value there | write it in the task',
      '3:34 `defaults.working-directory` holds for all tasks, so `${{ … }}` has no value there | write it in the task',
      '7:12 `run` of task `a`: `${{ env.HOME }}` means nothing here | in a script write "$HOME"',
      '8:13 `run` of task `a`: `${{ tasks.b.output }}` can stand only in `foreach` | add `b` to `needs` and read the file "$GODEL_INPUTS/b.json"',
      '9:12 `run` of task `a`: `${{ item.x }}` has a value only in a task with `foreach` | add `foreach`, or remove the expression',
      '10:18 `verify` of task `a`: `${{ matrix.os }}` has a value only in a task with `matrix` | add `matrix`, or remove the expression',
      '11:26 `key` of task `b`: it is the same for every item | use an expression such as `${{ item.id }}`',
      "11:43 `run` of task `b`: `${{ item. }}` means nothing here | a reference is a name and steps into it, such as `item.name`, `item['any name']` or `item[0]`",
      '11:56 `run` of task `b`: `${{ github.sha }}` means nothing here | there are `item`, `item.field`, `matrix.name`, `inputs.name` and, in `foreach`, `tasks.ID.output`; in a script use environment variables',
    ],
  },
  {
    name: 'an expression that the shell would not see, in JSON',
    text: '{"version": 1, "tasks": {"a": {"foreach": [1],\n "run": "echo \\"é\\" $((1 + ${{ item }}))"}}}',
    want: [
      '2:28 `run` of task `a`: `${{ item }}` cannot stand inside arithmetic or a subscript, where some shells would run the value | assign it to a variable first: value=${{ item }}, and check that it is a number',
    ],
  },
  {
    name: 'YAML that is none',
    text: 'version: 1\ntasks:\n\ta: {run: x}',
    want: ['3:1 a tab indents this line | YAML is indented with spaces'],
  },
  {
    name: 'a colon in an unquoted value',
    text: 'version: 1\ntasks:\n  a:\n    run: echo a: b',
    want: ['4:10 there is a second `: ` in this line | put the value in quotes'],
  },
  {
    name: 'two documents, a tag, an alias of nothing',
    text: 'version: 1\n---\nversion: 1',
    want: ['2:1 a second YAML document begins here | a plan is one document: remove `---`'],
  },
  {
    name: 'a tag',
    text: 'version: !int 1\ntasks: {a: {run: x}}',
    want: ['1:10 a tag (`!…`) means nothing in a plan | remove the tag, or put the text in quotes'],
  },
  {
    name: 'an alias of nothing',
    text: 'version: 1\ntasks: {a: {run: *x}}',
    want: ['2:18 the alias `*x` refers to nothing | give it a name before with `&x`, or quote the text'],
  },
  {
    name: 'problems behind an alias, at the place of what it stands for',
    text: 'version: 1\ntasks:\n  a: &a {run: x, if: never}\n  b: *a',
    want: [
      '3:22 `if` of task `a` must be `success()`, `failure()` or `always()`, not "never" | conditions other than these three are not in this version',
      '3:22 `if` of task `b` must be `success()`, `failure()` or `always()`, not "never" | conditions other than these three are not in this version',
    ],
  },
  {
    name: 'a key that would change a prototype',
    text: 'version: 1\ntasks: {__proto__: {run: x}}',
    want: ['2:8 `tasks` has a key `__proto__`, which is not allowed'],
  },
];

describe('what is wrong with a plan', () => {
  it.each(CASES)('names $name, the place and the fix', ({text, want}) => {
    expect(problems(text)).toEqual(want);
  });

  it('is said for the first twenty places, and the rest counted', () => {
    const tasks = Array.from({length: 30}, (_, index) => `  t${index}: {run: x, needs: [nope]}`);
    const result = parsePlan({file: 'f', bytes: Buffer.from(`version: 1\ntasks:\n${tasks.join('\n')}`)});
    expect(result).toMatchObject({ok: false, failure: {reason: 'plan-invalid', omitted: 10}});
    if (!result.ok && result.failure.reason === 'plan-invalid') expect(result.failure.problems).toHaveLength(20);
  });

  it('is the same over the wire, without places', () => {
    const result = compilePlan({version: 1, tasks: {a: {run: 'x', needs: ['b']}}}, 'godel.yaml');
    expect(result).toEqual({
      ok: false,
      failure: {
        reason: 'plan-invalid',
        file: 'godel.yaml',
        problems: [
          {
            message: 'task `a` needs `b`, and there is no such task',
            hint: 'did you mean `a`?',
          },
        ],
        omitted: 0,
      },
    });
  });

  it.each([null, undefined, 3, 'x', [], {version: 1, tasks: 3}, {tasks: null}, new Map(), () => 1, NaN, {version: 1n}])(
    'is an answer and no exception for %o',
    document => {
      expect(compilePlan(document, 'f')).toMatchObject({ok: false, failure: {reason: 'plan-invalid'}});
    },
  );
});
