import path from 'node:path';
import {plural} from '../base/amount.ts';
import type {MemoryBackend} from '../api/memory-backend.ts';
import {memoryLine, type MemoryPage} from '../api/memory-contract.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import type {Interrupt} from './interrupts.ts';
import {writeWhole} from './memory-files.ts';

/** Writes every memory as one line, to a file that is whole or not there, or to standard output. */
export async function exportMemories(cli: Cli, memory: MemoryBackend, file: string): Promise<ExitKind> {
  if (file === '-') {
    await eachLine(cli, memory, async lines => {
      cli.print.log(Buffer.from(lines));
      await cli.print.flush();
    });
    return 'ok';
  }
  let episodes = 0;
  await writeWhole(path.resolve(cli.cwd, file), async append => {
    episodes = await eachLine(cli, memory, append);
  });
  if (cli.print.json !== 'none') cli.print.value({v: 1, file, episodes});
  else cli.print.line(`${plural(episodes, 'memory', 'memories')} in ${file}.`);
  return 'ok';
}

/** Page by page. Answers how many there were. */
async function eachLine(cli: Cli, memory: MemoryBackend, append: (lines: string) => Promise<void>): Promise<number> {
  const interrupts: Interrupt[] = [];
  const unlisten = cli.interrupts.listen(signal => interrupts.push(signal));
  // What is not at the hub yet may have got there when the hub tells what it has.
  const local = new Set<string>();
  let count = 0;
  try {
    for (let after: string | null | undefined; after !== null; ) {
      const page: MemoryPage = must(await memory.export(after === undefined ? {} : {after}));
      const [signal] = interrupts;
      if (signal !== undefined) throw new GodelError({reason: 'interrupted', signal});
      const rows = page.rows.filter(({episode}) => page.local || !local.has(episode.id));
      if (page.local) for (const {episode} of rows) local.add(episode.id);
      if (rows.length > 0) await append(rows.map(row => `${memoryLine(row)}\n`).join(''));
      count += rows.length;
      after = page.next;
    }
    return count;
  } finally {
    unlisten();
  }
}
