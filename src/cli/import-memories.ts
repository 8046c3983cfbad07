import path from 'node:path';
import {plural} from '../base/amount.ts';
import type {MemoryBackend} from '../api/memory-backend.ts';
import {MAX_IMPORT_LINES, type MemoryImported} from '../api/memory-contract.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError, type PlanProblem} from '../model/failure.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {type FileLine, readLines} from './memory-files.ts';
import {hubNote} from './memory-text.ts';

/** Characters of one request, at least one line. */
const MAX_CHARS = 4 * 1024 * 1024;
const MAX_PROBLEMS = 20;

/** Takes in what is new of a file; with `skipBad` what is wrong in it is left out, otherwise nothing of it is taken. */
export async function importMemories(
  cli: Cli,
  memory: MemoryBackend,
  {file, skipBad}: {readonly file: string; readonly skipBad: boolean},
): Promise<ExitKind> {
  const place = path.resolve(cli.cwd, file);
  const problems: PlanProblem[] = [];
  let omitted = 0;
  for await (const some of chunks(place)) {
    const looked = must(await memory.import({lines: some.map(({text}) => text), dry: true}));
    for (const {line, message} of looked.problems) {
      if (problems.length < MAX_PROBLEMS) problems.push({message, line: some[line]?.number ?? 0});
      else omitted += 1;
    }
  }
  if (problems.length > 0 && !skipBad) {
    const last = {message: 'nothing of the file was taken', hint: SKIP_HINT};
    throw new GodelError({reason: 'memories-invalid', file, problems: [...problems, last], omitted});
  }
  const total = {added: 0, known: 0, forgotten: 0};
  let hub: MemoryImported['hub'] = 'none';
  for await (const some of chunks(place)) {
    const taken = must(await memory.import({lines: some.map(({text}) => text)}));
    total.added += taken.added;
    total.known += taken.known;
    total.forgotten += taken.forgotten;
    hub = taken.hub;
  }
  const skipped = problems.length + omitted;
  if (cli.print.json !== 'none') cli.print.value({v: 1, file, ...total, skipped, problems, hub});
  else {
    for (const {line, message} of problems) cli.print.note(`${file}:${line ?? 0}: ${message}; left out`);
    if (omitted > 0) cli.print.note(`… and ${plural(omitted, 'more line')} left out`);
    cli.print.line(`${takenText(total)}${hubNote(hub)}`);
  }
  return 'ok';
}

function takenText({added, known, forgotten}: Pick<MemoryImported, 'added' | 'known' | 'forgotten'>): string {
  const gone =
    forgotten === 0
      ? ''
      : `; ${forgotten} ${forgotten === 1 ? 'was' : 'were'} forgotten at the hub, which takes nothing back`;
  const here = known === 0 ? '' : `; ${known} ${known === 1 ? 'was' : 'were'} here already`;
  const what = added === 0 ? 'Nothing is new' : `${plural(added, 'memory', 'memories')} added`;
  return `${what}${here}${gone}.`;
}

const SKIP_HINT = '--skip-bad takes the lines that are right';

async function* chunks(file: string): AsyncGenerator<readonly FileLine[]> {
  let some: FileLine[] = [];
  let chars = 0;
  for await (const line of readLines(file)) {
    if (some.length > 0 && (some.length >= MAX_IMPORT_LINES || chars + line.text.length > MAX_CHARS)) {
      yield some;
      [some, chars] = [[], 0];
    }
    some.push(line);
    chars += line.text.length;
  }
  if (some.length > 0) yield some;
}
