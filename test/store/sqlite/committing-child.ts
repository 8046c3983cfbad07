import {openSqliteStore} from '../../../src/store/sqlite/sqlite-store.ts';
import {failureOf} from '../../../src/model/failure.ts';
import {batch, firstBatch} from './numbered-batches.ts';

/** Commits numbered batches for ever and prints each number when it is durable; a failure is printed and ends it. */
const [file = ''] = process.argv.slice(2);
const opened = openSqliteStore({file});
if (!opened.ok) {
  process.stdout.write(`${JSON.stringify(opened.failure)}\n`);
  process.exit(1);
}
const store = opened.value;
try {
  const done = store.events({after: 0, limit: 1_000_000}).length;
  if (done === 0) store.commit(firstBatch);
  for (let number = done + 1; ; number += 1) {
    store.commit(batch(number));
    process.stdout.write(`${number}\n`);
  }
} catch (error) {
  process.stdout.write(`${JSON.stringify(failureOf(error))}\n`);
  process.exit(1);
}
