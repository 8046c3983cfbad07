import {z} from 'zod';
import {planSchema} from './schema.ts';

/** The JSON Schema of plan files for editors, published as `godel.schema.json`. It says less than the checks here do. */
export function planJsonSchema(): object {
  const schema = z.toJSONSchema(planSchema, {target: 'draft-7', io: 'input', unrepresentable: 'any'});
  return {...schema, title: 'godel plan'};
}
