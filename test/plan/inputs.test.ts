import {describe, expect, it} from 'vitest';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';
import {renderAttempt} from '../../src/plan/render.ts';

const PLAN = `version: 1
inputs:
  region: {description: Where, required: true}
  level: 3
  note: {required: false}
  the-path: {default: a b}
env: {LEVEL: "L\${{ inputs.level }}"}
verify: test \${{ inputs.region }}
defaults: {working-directory: "\${{ inputs['the-path'] }}/x"}
tasks:
  a: {run: 'deploy \${{ inputs.region }} "\${{ inputs.the-path }}"', env: {E: "\${{ inputs.region }}"}}
  b: {prompt: "Look at \${{ inputs.region }}.\${{ inputs.note }}", foreach: [1], key: "\${{ inputs.level }}-\${{ item }}"}
`;

const parse = (inputs?: Record<string, string>, text = PLAN) =>
  parsePlan({file: 'f', bytes: Buffer.from(text), ...(inputs && {inputs})});

function problems(inputs: Record<string, string>, text = PLAN): readonly string[] {
  const result = parse(inputs, text);
  if (result.ok || result.failure.reason !== 'plan-invalid') return [JSON.stringify(result)];
  return result.failure.problems.map(({line, column, message, hint}) => `${line}:${column} ${message} | ${hint}`);
}

describe('the inputs of a plan', () => {
  it('reach scripts as variables only, and everything else as text', () => {
    const result = parse({region: '$(touch pwned)"'});
    expect(result.ok && result.value.plan).toMatchObject({
      env: {
        LEVEL: 'L3',
        GODEL_INPUT_REGION: '$(touch pwned)"',
        GODEL_INPUT_LEVEL: '3',
        GODEL_INPUT_NOTE: '',
        GODEL_INPUT_THE_PATH: 'a b',
      },
      verify: 'test "${GODEL_INPUT_REGION}"',
      tasks: [
        {
          run: 'deploy "${GODEL_INPUT_REGION}" "${GODEL_INPUT_THE_PATH}"',
          expressions: {},
          workingDirectory: ['a b/x'],
          env: {E: ['$(touch pwned)"']},
        },
        {prompt: ['Look at $(touch pwned)".'], key: ['3-', {item: []}]},
      ],
    });
    const [, b] = result.ok ? result.value.plan.tasks : [];
    expect(b && renderAttempt(b, 1)).toMatchObject({value: {work: {prompt: 'Look at $(touch pwned)".'}}});
  });

  it('travel in the document, which means the same to whoever compiles it without them', () => {
    const result = parse({region: 'eu', level: '7', note: 'x=1'});
    if (!result.ok) throw new Error(JSON.stringify(result));
    const {document, plan} = result.value;
    expect(document).toMatchObject({inputs: {region: 'eu', level: '7', note: 'x=1', 'the-path': 'a b'}});
    expect(compilePlan(document, 'f')).toEqual({ok: true, value: plan});
  });

  it('must be given when somebody is about to run the plan, and not when it is only looked at', () => {
    const missing = '3:3 input `region` has no value | give it one with `--input region=…`, or write a `default`';
    expect(problems({})).toEqual([missing]);
    expect(parse()).toMatchObject({ok: true, value: {document: {inputs: {region: {required: true}}}, warnings: []}});
    expect(compilePlan({version: 1, inputs: {a: {}}, tasks: {t: {run: 'x'}}}, 'f')).toMatchObject({ok: false});
  });

  it('must be known, and fit into a variable', () => {
    expect(problems({region: 'eu', lvel: '1'})).toEqual(['2:1 the plan has no input `lvel` | did you mean `level`?']);
    expect(problems({a: '1'}, 'version: 1\ntasks: {t: {run: x}}')).toEqual([
      '1:1 the plan has no input `a` | it has none',
    ]);
    const large = '3:3 the value given for input `region` has more than 100 KiB or a NUL character';
    expect(problems({region: 'x'.repeat(102_401)})).toEqual([`${large} | give the name of a file instead`]);
    expect(problems({region: 'a\0'})).toEqual([`${large} | give the name of a file instead`]);
  });

  it('are warned of where their text would be lost, or a default is never used', () => {
    const text = 'version: 1\ninputs:\n  py: 3.10\n  a: {default: 1.0, required: true}\ntasks: {t: {run: x}}';
    const result = parse(undefined, text);
    expect(result.ok && result.value.warnings.map(({line, message}) => `${line} ${message}`)).toEqual([
      '3 `inputs.py` is read as 3.1, not as the text 3.10',
      '4 input `a` is required, so its default is never used',
      '4 `inputs.a.default` is read as 1, not as the text 1.0',
    ]);
  });
});
