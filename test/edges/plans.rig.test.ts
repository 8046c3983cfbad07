import {existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import type {TeamView} from '../../src/model/team-view.ts';
import {Rig} from '../rig/rig.ts';

interface ErrorValue {
  readonly v: 1;
  readonly error: {readonly reason: string};
  readonly text: string;
}

/** Eight levels of nine references each: forty million strings in 600 bytes. */
function aliasBomb(): string {
  const levels = Array.from({length: 8}, (_, level) => {
    const items = level === 0 ? Array(9).fill('x') : Array(9).fill(`*a${level - 1}`);
    return `  t${level}: {run: 'true', foreach: &a${level} [${items.join(', ')}]}`;
  });
  return `version: 1\ntasks:\n${levels.join('\n')}\n`;
}

test('a plan that is none is refused with a sentence, and nothing is started or written for it', async () => {
  await using rig = await Rig.create();
  const {folder} = rig;
  mkdirSync(join(folder, 'plans'));
  writeFileSync(join(folder, 'empty.yaml'), '');
  writeFileSync(join(folder, 'comments.yaml'), '# version: 1\n\n  # nothing\n');
  writeFileSync(join(folder, 'binary.yaml'), readFileSync(process.execPath).subarray(0, 100_000));
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('version: 1\nname: caf\xe9\n', 'latin1'));
  writeFileSync(join(folder, 'sixty.yaml'), '');
  truncateSync(join(folder, 'sixty.yaml'), 60_000_000);
  writeFileSync(
    join(folder, 'fifty.yaml'),
    `version: 1\ntasks:\n${'  # 50 MB of comments, and one task\n'.repeat(1_350_000)}  a: {run: 'true'}\n`,
  );
  writeFileSync(join(folder, 'bomb.yaml'), aliasBomb());
  writeFileSync(join(folder, 'none.yaml'), 'version: 1\ntasks: {}\n');
  const cases = [
    ['missing.yaml', 'plan-unreadable', 'missing.yaml: it does not exist.'],
    ['plans', 'plan-unreadable', 'plans: it is a directory. Name the plan file in it, for example `godel.yaml`'],
    ['empty.yaml', 'plan-unreadable', 'empty.yaml: it is empty. A plan begins with `version: 1` and has `tasks`'],
    ['comments.yaml', 'plan-unreadable', 'comments.yaml: it is empty.'],
    [
      'binary.yaml',
      'plan-unreadable',
      'binary.yaml: it is not text: it has a NUL byte. A plan is YAML or JSON text in UTF-8',
    ],
    ['latin1.yaml', 'plan-unreadable', 'latin1.yaml: it is not text in UTF-8.'],
    ['sixty.yaml', 'plan-unreadable', 'sixty.yaml: it is larger than 50 MB. Put long lists into a file'],
    ['/dev/zero', 'plan-unreadable', '/dev/zero: it is larger than 50 MB.'],
    [
      'fifty.yaml',
      'plan-unreadable',
      'fifty.yaml: it is larger than 20 MB. A plan of up to 50 MB is read when it is JSON',
    ],
    ['bomb.yaml', 'plan-invalid', 'bomb.yaml'],
    ['none.yaml', 'plan-invalid', 'none.yaml:2:'],
  ] as const;
  for (const [file, reason, text] of cases) {
    const {code, stdout, stderr} = await rig.godel(['team', 'spawn', '--count', '2', '--plan', file, '--json']);
    const value = JSON.parse(stdout) as ErrorValue;
    expect(value).toMatchObject({v: 1, error: {reason}});
    expect(value.text).toContain(text);
    expect({file, code, stderr}).toEqual({file, code: 2, stderr: ''});
  }
  const said = await rig.godel(['team', 'spawn', '--count', '2', '--plan', 'none.yaml']);
  expect(said).toMatchObject({code: 2, stdout: ''});
  expect(said.stderr).toMatch(/^godel: .*none\.yaml:2:\d+: .*task/);
  expect(existsSync(rig.paths.godelFolder)).toBe(false);
  expect(rig.daemonPid()).toBeNull();
});

test('a number of agents that makes no sense is refused with its limit and the reason', async () => {
  await using rig = await Rig.create();
  rig.writePlan("version: 1\ntasks: {a: {run: 'true'}}\n");
  for (const count of ['0', '-1', 'abc', '1e9', '1000000000', '2.5', '', '99999999999999999999']) {
    const answer = await rig.godel(['team', 'spawn', `--count=${count}`, '--plan', 'godel.yaml']);
    expect(answer).toMatchObject({code: 2, stdout: ''});
    expect(answer.stderr).toBe(
      `godel: --count is ${JSON.stringify(count)}, but must be a whole number from 1 to 1000 (max-agents is 1000 by default and at most 10000; every agent at work is a process tree on this machine).\n`,
    );
  }
  const missing = await rig.godel(['team', 'spawn', '--plan', 'godel.yaml', '--json']);
  expect(JSON.parse(missing.stdout)).toMatchObject({
    error: {reason: 'usage'},
    text: expect.stringContaining('--count is missing') as string,
  });
  expect(missing.code).toBe(2);
  expect(existsSync(rig.paths.godelFolder)).toBe(false);
});

const ODD_ITEMS = [
  '$(touch pwned)',
  '`touch pwned`',
  "'; touch pwned; '",
  '"; touch pwned; "',
  'two\nlines\n',
  'tab\tand  spaces ',
  '-rf',
  '../../pwned',
  'ü ñ 漢字 🙂',
  '$HOME ${PATH} \\ %s * ~',
  '',
];

test('odd names and items are data: nothing of them is run, nothing of them is lost', async () => {
  await using rig = await Rig.create({projectName: "it's a «project» $(touch pwned) 漢字"});
  const where = "a folder with $(touch pwned) 'quotes' ü";
  mkdirSync(join(rig.folder, where));
  const spaced = 'a b: "ü" $(touch pwned)';
  const plan = {
    version: 1,
    name: 'ünïcode téam $(touch pwned)',
    tasks: {
      [spaced]: {run: `cat <<'END'\n${JSON.stringify(ODD_ITEMS)}\nEND`, outputs: 'json'},
      'each 漢字': {
        needs: [spaced],
        foreach: `\${{ tasks['${spaced.replaceAll("'", "''")}'].output }}`,
        run: 'printf "%s|%s" "$GODEL_ITEM" ${{ item }}',
        'working-directory': where,
        outputs: 'text',
      },
      join: {
        needs: ['each 漢字'],
        run: 'for file in "$GODEL_INPUTS"/*/*; do cat "$file"; printf "\\0"; done > "$GODEL_TASK_ID"',
        'working-directory': where,
      },
    },
  };
  writeFileSync(join(rig.folder, 'plan $(touch pwned) ü.json'), JSON.stringify(plan));
  const {code, stdout, stderr} = await rig.godel([
    'team',
    'spawn',
    '--count',
    '3',
    '--plan',
    'plan $(touch pwned) ü.json',
    '--json',
  ]);
  expect({code, stderr, ...(JSON.parse(stdout) as object)}).toMatchObject({
    code: 0,
    team: plan.name,
    state: 'succeeded',
    tasks: {total: ODD_ITEMS.length + 2, succeeded: ODD_ITEMS.length + 2},
    failures: [],
  });
  const joined = readFileSync(join(rig.folder, where, 'join'), 'utf8')
    .split('\0')
    .slice(0, -1);
  expect(joined.sort()).toEqual(ODD_ITEMS.map(item => `${item}|${item}`).sort());
  expect(readdirSync(rig.folder).sort()).toEqual(['.godel', where, 'plan $(touch pwned) ü.json'].sort());
  expect(readdirSync(join(rig.folder, where))).toEqual(['join']);

  const logs = await rig.godel(['team', 'logs', plan.name, 'each 漢字[$(touch pwned)]']);
  expect(logs).toMatchObject({code: 0, stdout: expect.stringContaining('$(touch pwned)|$(touch pwned)') as string});
  const each = await rig.godel(['team', 'spawn', '--count', '2', '--each', 'printf "<%s>" {} >> seen', '--json'], {
    input: ODD_ITEMS.filter(item => !item.includes('\n')).join('\n'),
  });
  expect(each.code).toBe(0);
  const seen = readFileSync(join(rig.folder, 'seen'), 'utf8');
  for (const item of ODD_ITEMS.filter(text => text !== '' && !text.includes('\n'))) expect(seen).toContain(`<${item}>`);
  expect(existsSync(join(rig.folder, 'pwned'))).toBe(false);
  expect((await rig.godel(['team', 'rm', plan.name])).code).toBe(0);
});

test('one task needs only one of fifty agents', async () => {
  await using rig = await Rig.create();
  rig.writePlan('version: 1\ntasks: {a: {run: "echo $GODEL_TASK_ID $GODEL_ATTEMPT >> ran"}}\n');
  const {code, stdout} = await rig.godel(['team', 'spawn', '--count', '50', '--plan', 'godel.yaml', '--json']);
  expect({code, ...(JSON.parse(stdout) as object)}).toMatchObject({
    code: 0,
    state: 'succeeded',
    agents: {requested: 50, failed: 0},
    tasks: {total: 1, succeeded: 1},
    attempts: 1,
  });
  expect(readFileSync(join(rig.folder, 'ran'), 'utf8')).toBe('a 1\n');
});

const TASKS = 10_000;
/** A process each. `npm run test:full` starts all of them. */
const STARTED = process.env['GODEL_TESTS'] === 'full' ? TASKS : 2000;

test(`${TASKS} tasks go through fifty agents: ${STARTED} are run, each once, any others skipped`, {
  timeout: 400_000,
}, async () => {
  await using rig = await Rig.create();
  const taskOf = (index: number) => (index < STARTED ? {run: 'true'} : {needs: 't0', if: 'failure()', run: 'true'});
  const tasks = Object.fromEntries(Array.from({length: TASKS}, (_, index) => [`t${index}`, taskOf(index)]));
  writeFileSync(join(rig.folder, 'many.json'), JSON.stringify({version: 1, name: 'many', tasks}));
  const {code, stdout, stderr} = await rig.godel(['team', 'spawn', '--count', '50', '--plan', 'many.json'], {
    timeoutMs: 300_000,
  });
  expect(code).toBe(0);
  const skipped = STARTED < TASKS ? `, ${TASKS - STARTED} skipped` : '';
  expect(stdout).toMatch(
    new RegExp(
      `^Team many succeeded after .*: ${TASKS} tasks, ${STARTED} succeeded${skipped}\\.\n {2}${STARTED} attempts \\(0 retried\\)`,
    ),
  );
  expect(stderr.split('\n').length).toBeLessThan(60);
  const status = await rig.godel(['team', 'status', '--json']);
  const view = JSON.parse(status.stdout) as TeamView;
  expect(view).toMatchObject({
    state: 'succeeded',
    tasks: {total: TASKS, succeeded: STARTED, skipped: TASKS - STARTED, failed: 0},
    attempts: STARTED,
  });
});
