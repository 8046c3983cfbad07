import {openHubStore} from '../../../../src/hub/server/store/open-hub-store.ts';
import {change, item} from './sample-episodes.ts';

/**
 * Appends groups of numbered episodes, with changes of them, for ever, and prints the last number once a group is durable. Ends
 * with what went wrong.
 */
const [file = ''] = process.argv.slice(2);
const opened = openHubStore({file});
if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
const store = opened.value;
for (let number = store.head('a') / 2; ; ) {
  const size = 1 + Math.floor(Math.random() * 20);
  for (let made = 0; made < size; made += 1) {
    number += 1;
    const id = `numbered-${number}`;
    store.append('a', [item({id, output: 'x'.repeat(Math.floor(Math.random() * 3000))})]);
    store.append('a', [change(id, {kind: 'use', count: 1}, {id: `use-of-${number}`})]);
  }
  if (Math.random() < 0.2) store.searchText('a', 'grammar', 1);
  const flushed = store.flush();
  if (!flushed.ok) throw new Error(flushed.failure.detail);
  process.stdout.write(`${number}\n`);
}
