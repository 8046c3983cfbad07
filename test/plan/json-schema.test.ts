import {readFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {planJsonSchema} from '../../src/plan/json-schema.ts';

it('godel.schema.json is the schema of the code (npm run schema)', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('../../godel.schema.json', import.meta.url), 'utf8'));
  expect(published).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
});
