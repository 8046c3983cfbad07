import {describe, expect, it} from 'vitest';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {eachPlan} from '../../src/plan/each-plan.ts';

function script(command: string): string {
  const plan = eachPlan(command, ['${{ item }}', 'b']);
  const compiled = plan.ok ? compilePlan(plan.value.document, '--each') : plan;
  return compiled.ok ? (compiled.value.tasks[0]?.run ?? '') : JSON.stringify(compiled.failure);
}

describe('the plan of --each', () => {
  it('quotes the line wherever {} stands', () => {
    expect(script('cp {} {}.bak')).toBe('cp "${GODEL_EXPR_1}" "${GODEL_EXPR_1}".bak');
    expect(script('echo "a {}" \'{}\'')).toBe(`echo "a \${GODEL_EXPR_1}" ''"\${GODEL_EXPR_1}"''`);
  });

  it('adds the line as the last argument when there is no {}', () => {
    expect(script('gzip -9')).toBe('gzip -9 "${GODEL_EXPR_1}"');
  });

  it('takes lines as data, never as expressions', () => {
    const plan = eachPlan('echo', ['${{ item }}', '{}']);
    expect(plan).toMatchObject({ok: true, value: {document: {tasks: {each: {foreach: ['${{ item }}', '{}']}}}}});
  });

  it('says what is missing', () => {
    expect(eachPlan(' ', ['a'])).toMatchObject({ok: false, failure: {message: '--each needs a command'}});
    expect(eachPlan('x', [])).toMatchObject({ok: false, failure: {message: '--each found no lines on standard input'}});
  });
});
