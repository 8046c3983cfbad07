import {writeFileSync} from 'node:fs';
import {planJsonSchema} from '../src/plan/json-schema.ts';

writeFileSync('godel.schema.json', `${JSON.stringify(planJsonSchema(), null, 2)}\n`);
