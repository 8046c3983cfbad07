import {readFileSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {parsePlan} from '../../src/plan/parse-plan.ts';
import {planSchema, taskSchema} from '../../src/plan/schema.ts';

const page = readFileSync(new URL('../../docs/plan-file.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n((?:# error: ([^\n]*)\n)?[\s\S]*?)^```$/gm)].map(([, text, error]) => {
  return {error, text: text ?? ''};
});

describe('docs/plan-file.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  it.each(examples.filter(({error}) => error === undefined))('shows a plan that is right: $text', ({text}) => {
    const result = parsePlan({file: 'example', bytes: Buffer.from(text)});
    expect(result).toMatchObject({ok: true, value: {warnings: []}});
  });

  it.each(examples.filter(({error}) => error !== undefined))('shows the error: $error', ({error, text}) => {
    const result = parsePlan({file: 'example', bytes: Buffer.from(text)});
    expect(result).toMatchObject({ok: false, failure: {problems: [{message: expect.stringContaining(error ?? '')}]}});
  });

  it('names every key', () => {
    const keys = [...Object.keys(planSchema.shape), ...Object.keys(taskSchema.shape)];
    for (const key of keys) expect(page).toMatch(new RegExp(`[\`"]${key.replace('$', '\\$')}[\`"]`));
  });
});
