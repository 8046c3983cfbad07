import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {parsePlan, readPlan} from '../../src/plan/parse-plan.ts';

const parse = (text: string | Buffer) => parsePlan({file: 'godel.yaml', bytes: Buffer.from(text)});
const unreadable = (detail: string) => ({ok: false, failure: {reason: 'plan-unreadable', detail}});

describe('parsePlan', () => {
  it('reads the plan of the manual', () => {
    const result = parse(`
version: 1
name: audit
env: {LEVEL: strict}
defaults: {timeout: 10m, retries: 2}
tasks:
  list:   {run: node scripts/list.mjs, outputs: json}
  check:  {needs: [list], foreach: "\${{ tasks.list.output }}", key: "\${{ item.path }}", run: node check.mjs "$GODEL_ITEM_PATH"}
  report: {needs: [check], if: always(), run: node report.mjs, verify: test -s report.json}
`);
    const common = {
      expressions: {},
      timeoutMs: 600_000,
      assumed: ['timeoutMs'],
      retries: 2,
      priority: 0,
      env: {},
      continueOnError: false,
    };
    expect(result.ok && result.value.plan).toEqual({
      name: 'audit',
      env: {LEVEL: 'strict'},
      tasks: [
        {...common, id: 'list', run: 'node scripts/list.mjs', needs: [], condition: 'success', outputs: 'json'},
        {
          ...common,
          id: 'check',
          run: 'node check.mjs "$GODEL_ITEM_PATH"',
          needs: ['list'],
          condition: 'success',
          foreach: {from: 'output', task: 'list', path: []},
          key: [{item: ['path']}],
        },
        {
          ...common,
          id: 'report',
          run: 'node report.mjs',
          verify: 'test -s report.json',
          needs: ['check'],
          condition: 'always',
        },
      ],
    });
  });

  it('reads the same from JSON, and gives the document on', () => {
    const document = {
      $schema: './godel.schema.json',
      version: 1,
      tasks: {'ünï çödé 🚀': {run: 'a', timeout: 90, retries: 0, priority: -3}, b: {run: 'b', needs: 'ünï çödé 🚀'}},
    };
    const json = parse(JSON.stringify(document, null, '\t'));
    const yaml = parse(JSON.stringify(document).replace('{"$schema"', '{ # as YAML\n"$schema"'));
    expect(json).toMatchObject({ok: true, value: {document, warnings: []}});
    if (!json.ok || !yaml.ok) throw new Error('it is a plan');
    expect(json.value.lines).toEqual({$schema: 2, version: 3, tasks: 4});
    expect(yaml.value).toEqual({...json.value, lines: {$schema: 2, version: 2, tasks: 2}});
  });

  it('lets a task override the defaults, and anchors share parts', () => {
    const result = parse(
      'version: 1\ndefaults: {timeout: 1m, working-directory: a}\ntasks:\n  a: {run: x, timeout: 2m, env: &e {K: v}}\n  b: {run: x, working-directory: b, env: *e, needs: [a, a]}',
    );
    expect(result).toMatchObject({
      ok: true,
      value: {
        plan: {
          tasks: [
            {timeoutMs: 120_000, workingDirectory: ['a'], env: {K: ['v']}},
            {timeoutMs: 60_000, workingDirectory: ['b'], env: {K: ['v']}, needs: ['a']},
          ],
        },
      },
    });
  });

  it('warns where text would be lost and where a task cannot run', () => {
    const result = parse('version: 1\nenv: {PY: 3.10}\ntasks:\n  a: {run: x, if: failure(), env: {X: 007, Y: 3}}');
    expect(result.ok && result.value.warnings).toEqual([
      {message: '`env.PY` is read as 3.1, not as the text 3.10', hint: 'write "3.10" in quotes', line: 2, column: 11},
      {
        message: 'task `a` has `if: failure()` and needs nothing, so it will never run',
        hint: 'add the tasks whose failure it waits for to `needs`',
        line: 4,
        column: 19,
      },
      {
        message: '`env.X` of task `a` is read as 7, not as the text 007',
        hint: 'write "007" in quotes',
        line: 4,
        column: 39,
      },
    ]);
  });

  it.each([
    ['', 'it is empty'],
    [' \n# only a comment\n', 'it is empty'],
    [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]), 'it is not text: it has a NUL byte'],
    [Buffer.from([0x61, 0xff, 0x62]), 'it is not text in UTF-8'],
    [Buffer.from('\ufeffversion: 1', 'utf16le'), 'it is in UTF-16'],
  ])('refuses %j: %s', (bytes, detail) => {
    expect(parse(bytes)).toMatchObject(unreadable(detail));
  });

  it('takes a byte order mark and Windows line ends', () => {
    expect(parse('\ufeffversion: 1\r\ntasks:\r\n  a: {run: x}\r\n')).toMatchObject({ok: true});
  });

  it('survives an alias bomb', () => {
    const rows = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++) rows.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(', ')}]`);
    const result = parse(`${rows.join('\n')}\nversion: 1\ntasks: {a: {run: x, foreach: *a11}}`);
    expect(result).toMatchObject({
      ok: false,
      failure: {problems: [{message: 'the plan is too large once its aliases are written out'}]},
    });
  });

  it('takes one alias ten thousand times', () => {
    const tasks = Array.from({length: 10_000}, (_, i) => `  t${i}: {run: x, env: *e}`);
    expect(parse(`version: 1\ntasks:\n  a: {run: x, env: &e {K: v}}\n${tasks.join('\n')}`)).toMatchObject({ok: true});
  });

  it.each([
    ['lists', '['.repeat(100_000)],
    ['closed lists', `version: ${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['mappings', '{a: '.repeat(20_000)],
    ['rows', `a:\n${'- '.repeat(20_000)}`],
    ['JSON', `{"version": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
    ['itself', 'a: &a [*a]'],
  ])('survives depth: %s', (_, text) => {
    const result = parse(text);
    expect(result).toMatchObject({ok: false, failure: {reason: 'plan-invalid'}});
    expect(JSON.stringify(result)).toContain('nested deeper than 100 levels');
  });

  it.each(['yaml', 'json'] as const)(
    'checks 100,000 tasks in %s',
    format => {
      const count = 100_000;
      const tasks = Array.from({length: count}, (_, i) => {
        const needs = i === 0 ? [] : [`task-${i >> 1 === i ? 0 : i >> 1}`];
        return {id: `task-${i}`, run: `echo ${i}`, needs};
      });
      const text =
        format === 'json'
          ? JSON.stringify({version: 1, tasks: Object.fromEntries(tasks.map(({id, ...rest}) => [id, rest]))})
          : `version: 1\ntasks:\n${tasks.map(({id, run, needs}) => `  ${id}:\n    run: ${run}\n    needs: [${needs.join()}]\n`).join('')}`;
      const result = parse(text);
      expect(result.ok && result.value.plan.tasks).toHaveLength(count);
    },
    120_000,
  );
});

describe('readPlan', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-plan-'));
  });
  afterAll(() => rmSync(folder, {recursive: true, force: true}));

  it('reads a file with spaces and unicode in its path', () => {
    const file = join(folder, 'mein plän ☂.yaml');
    writeFileSync(file, 'version: 1\ntasks: {a: {run: x}}');
    expect(readPlan(file)).toMatchObject({ok: true, value: {plan: {tasks: [{id: 'a'}]}}});
  });

  it('refuses what is no file, with a reason', () => {
    mkdirSync(join(folder, 'sub'));
    expect(readPlan(join(folder, 'sub'))).toMatchObject(unreadable('it is a directory'));
    expect(readPlan(join(folder, 'nothing.yaml'))).toMatchObject(unreadable('it does not exist'));
    expect(readPlan('/dev/null')).toMatchObject(unreadable('it is empty'));
  });

  it('refuses 50 MB, also from something that never ends', () => {
    const file = join(folder, 'large.yaml');
    writeFileSync(file, Buffer.alloc(50_000_001, 0x20));
    expect(readPlan(file)).toMatchObject(unreadable('it is larger than 50 MB'));
    expect(readPlan('/dev/zero')).toMatchObject(unreadable('it is larger than 50 MB'));
    writeFileSync(file, `version: 1\n#${'x'.repeat(20_000_000)}`);
    expect(readPlan(file)).toMatchObject(unreadable('it is larger than 20 MB'));
  });
});
