import {describe, expect, it} from 'vitest';
import type {JsonValue} from '../../src/base/json.ts';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {renderAttempt} from '../../src/plan/render.ts';

function render(fields: Record<string, unknown>, item: JsonValue | undefined) {
  const foreach = item === undefined ? {} : {foreach: [item]};
  const work = fields['prompt'] === undefined ? {run: 'x'} : {};
  const plan = compilePlan({version: 1, tasks: {t: {...work, ...foreach, ...fields}}}, 'test');
  const spec = plan.ok ? plan.value.tasks[0] : undefined;
  if (!spec) throw new Error(JSON.stringify(plan));
  return renderAttempt(spec, item);
}

describe('an attempt', () => {
  it('of a plain task is its script and environment', () => {
    expect(render({env: {A: 1, B: true, C: 'c'}, verify: 'true', 'working-directory': 'sub dir'}, undefined)).toEqual({
      ok: true,
      value: {
        work: {kind: 'command', script: 'x'},
        verify: 'true',
        touches: null,
        env: {A: '1', B: 'true', C: 'c'},
        workingDirectory: 'sub dir',
      },
    });
  });

  it('gets the item as environment variables, in scripts only by reference', () => {
    const item = {path: '$(touch pwned)', 'a-b': {c: [1]}, A_B: 'second', n: null, é: 2.5};
    const fields = {
      run: 'cp ${{ item.path }} "${{ item.path }}.bak"',
      verify: "test -f '${{ item.path }}' ${{ item['a-b'].c[0] }}",
      env: {WHERE: 'in ${{ item.path }}, ${{ item.nothing.there }}.'},
      'working-directory': '${{ item.é }}/x',
    };
    expect(render(fields, item)).toEqual({
      ok: true,
      value: {
        work: {kind: 'command', script: 'cp "${GODEL_EXPR_1}" "${GODEL_EXPR_1}.bak"'},
        verify: `test -f ''"\${GODEL_EXPR_1}"'' "\${GODEL_EXPR_2}"`,
        touches: null,
        env: {
          WHERE: 'in $(touch pwned), .',
          GODEL_EXPR_1: '$(touch pwned)',
          GODEL_EXPR_2: '1',
          GODEL_ITEM: JSON.stringify(item),
          GODEL_ITEM_PATH: '$(touch pwned)',
          GODEL_ITEM_A_B: '{"c":[1]}',
          GODEL_ITEM_N: '',
          GODEL_ITEM__: '2.5',
        },
        workingDirectory: '2.5/x',
      },
    });
  });

  it.each<[JsonValue, string]>([
    ['raw "text"\n', 'raw "text"\n'],
    [3, '3'],
    [null, 'null'],
    [['a', 1], '["a",1]'],
  ])('has the item %j as GODEL_ITEM', (item, text) => {
    expect(render({}, item)).toMatchObject({ok: true, value: {env: {GODEL_ITEM: text}}});
  });

  it('fails clearly for what no environment variable can hold', () => {
    expect(render({}, {a: 'x\0y'})).toEqual({
      ok: false,
      failure: {
        reason: 'foreach-invalid',
        detail: 'GODEL_ITEM_A would contain a NUL character, which no environment variable can hold',
      },
    });
    expect(render({}, 'é'.repeat(51_201))).toEqual({
      ok: false,
      failure: {
        reason: 'foreach-invalid',
        detail:
          'GODEL_ITEM would be 102402 bytes long, and an environment variable holds at most 102400; let the item name a file instead',
      },
    });
    expect(render({}, 'é'.repeat(51_200))).toMatchObject({ok: true});
    expect(render({'working-directory': '${{ item[0] }}'}, ['a\0'])).toMatchObject({
      ok: false,
      failure: {detail: '`working-directory` would contain a NUL character, which no environment variable can hold'},
    });
  });

  it('of a prompt is its text with the item filled in, and the globs in which the item stands for itself', () => {
    const fields = {
      prompt: 'Change ${{ item.file }}, not ${{ item }}.',
      touches: ['./src/**', '${{ item.file }}', 'test/${{ item.none }}/*.ts'],
    };
    const item = {file: './a [x]*.ts'};
    expect(render(fields, item)).toMatchObject({
      ok: true,
      value: {
        work: {kind: 'prompt', prompt: 'Change ./a [x]*.ts, not {"file":"./a [x]*.ts"}.'},
        touches: {globs: ['src/**', String.raw`a \[x\]\*.ts`, 'test//*.ts'], policy: 'fail'},
      },
    });
    expect(render({prompt: '${{ item[0] }}'}, ['\0'])).toMatchObject({
      ok: false,
      failure: {reason: 'foreach-invalid', detail: '`prompt` would contain a NUL character'},
    });
  });
});
