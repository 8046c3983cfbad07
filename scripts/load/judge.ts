import {closeSync, existsSync, openSync, readFileSync, readSync} from 'node:fs';
import {join} from 'node:path';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import {checkLedger} from '../../test/chaos/chaos-round.ts';
import type {Rig} from '../../test/rig/rig.ts';
import {processesOf} from '../../test/rig/rig-processes.ts';
import {until} from '../../test/rig/until.ts';
import {type LoadRow, fact, none} from './load.ts';

const END_WITHIN_MS = 30_000;

export function ledgerOf(rig: Rig): string {
  return join(rig.root, 'home', 'ledger');
}

export function ledgerLines(rig: Rig): readonly string[] {
  const file = ledgerOf(rig);
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(line => line !== '')
    : [];
}

/** Counts the attempts that have started, reading only what is new. */
export class StartCounter implements Disposable {
  readonly #rig: Rig;
  #descriptor: number | undefined;
  #rest = '';
  #count = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  count(): number {
    if (!existsSync(ledgerOf(this.#rig))) return 0;
    this.#descriptor ??= openSync(ledgerOf(this.#rig), 'r');
    const chunk = Buffer.alloc(1 << 16);
    for (;;) {
      const length = readSync(this.#descriptor, chunk);
      if (length === 0) return this.#count;
      const lines = (this.#rest + chunk.toString('utf8', 0, length)).split('\n');
      this.#rest = lines.pop() ?? '';
      this.#count += lines.filter(line => line.startsWith('start ')).length;
    }
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
  }
}

/**
 * Stops the daemon and compares what is recorded of the rig's only team with what really ran. `tasks`: how many must have
 * succeeded.
 */
export async function judge(rig: Rig, tasks: number): Promise<readonly LoadRow[]> {
  const stopped = await rig.client().stopDaemon({force: true});
  if (!stopped.ok) throw new Error(`the daemon did not stop: ${JSON.stringify(stopped.failure)}`);
  await until('every process has ended', () => processesOf(rig.root).length === 0, {withinMs: END_WITHIN_MS}).catch(
    () => undefined,
  );
  const left = processesOf(rig.root);
  for (const {pid, command} of left) console.error(`left running: ${pid} ${command}`);
  const opened = openSqliteStore({file: rig.paths.storeFile});
  if (!opened.ok) throw new Error(`the store cannot be opened: ${opened.failure.reason}`);
  using store = opened.value;
  const team = store.teams()[0];
  if (!team) throw new Error('the team is not in the store');
  const rows = store.tasks(team.id);
  const attempts = store.attempts(team.id);
  const templates = new Set(rows.flatMap(({id}) => (id.includes('[') ? [id.split('[')[0]] : [])));
  const succeeded = rows.filter(({id, state}) => state.name === 'succeeded' && !templates.has(id)).length;
  const wins = new Map<number, number>();
  let again = 0;
  for (const {task, outcome} of attempts) {
    if (wins.has(task)) again += 1;
    if (outcome?.result.ok) wins.set(task, (wins.get(task) ?? 0) + 1);
  }
  return [
    fact('tasks', tasks),
    fact('attempts', attempts.length),
    none('tasks lost', tasks - succeeded),
    none('attempts after their task had succeeded', again),
    none('differences between what ran and what is recorded', differences(ledgerLines(rig), attempts)),
    none('processes left', left.length),
  ];
}

function differences(...[ledger, attempts]: Parameters<typeof checkLedger>): number {
  try {
    checkLedger(ledger, attempts);
    return 0;
  } catch (error) {
    console.error(error);
    return 1;
  }
}
