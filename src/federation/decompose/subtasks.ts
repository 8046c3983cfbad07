import {plural} from '../../base/amount.ts';
import type {Draft} from './drafts.ts';
import {estimateOf, priorityOf} from './markers.ts';
import {withoutOrderWord} from './order-words.ts';
import {firstLine, type Reading} from './reading.ts';
import {skillsOf} from './skills.ts';
import type {RepositoryFiles, Subtask} from './subtask.ts';
import {sayTarget, shares, targetOf} from './targets.ts';
import {TaskIds} from './task-ids.ts';
import {shortened} from './words.ts';

export interface Using {
  readonly repository: RepositoryFiles | null;
  readonly parallelism: number | undefined;
  readonly reading: Reading;
}

const MAX_TITLE = 100;
const MAX_NAMED = 20;
const MAX_SHARES = 1000;
/** Sayings of more of these are not listed one by one. */
const MAX_SAID = 20;
const PATH =
  /(?<![\w/@.:-])(?:[\w@.-]+\/)+(?:[\w@.*{},-]*[\w*}])?|(?<![\w/@.:-])[\w@*-][\w@.*-]*\.[a-z]\w{0,7}\b(?!\/)/gi;

/** The subtasks of drafts (a null is an item that is done). What is to be done for each file becomes one task that goes over them, or with `parallelism` one for each share. */
export function subtasksOf(drafts: readonly (Draft | null)[], using: Using): readonly Subtask[] {
  const ids = new TaskIds();
  const idsOf: (readonly string[])[] = [];
  const made: {subtask: Omit<Subtask, 'dependencies'>; needs: readonly number[]}[] = [];
  let said = 0;
  for (const [index, draft] of drafts.entries()) {
    if (!draft) continue;
    const target = targetOf(draft, using.repository);
    if (target.kind !== 'once' && ++said <= MAX_SAID) sayTarget(draft, target, using);
    const paths = target.kind === 'each' ? target.paths : [];
    const parts = partsOf(draft, paths, using).map(part => ({...part, id: ids.idFor(part.title)}));
    idsOf[index] = parts.map(({id}) => id);
    made.push(...parts.map(subtask => ({subtask, needs: draft.needs})));
  }
  const subtasks = made.map(({subtask, needs}) => ({
    ...subtask,
    dependencies: needs.flatMap(need => idsOf[need] ?? []),
  }));
  sayFacts(subtasks, using.reading);
  return subtasks;
}

type Part = Omit<Subtask, 'id' | 'dependencies'>;

function partsOf(draft: Draft, paths: readonly string[], {parallelism, repository}: Using): readonly Part[] {
  if (paths.length === 0) return [partOf(draft, {files: namedFiles(draft.text, repository), over: [], share: null})];
  if (parallelism === undefined) return [partOf(draft, {files: paths, over: paths, share: null})];
  return shares(paths, Math.min(parallelism, MAX_SHARES)).map(share => partOf(draft, {files: share, over: [], share}));
}

function partOf(
  draft: Draft,
  {files, over, share}: {files: readonly string[]; over: readonly string[]; share: readonly string[] | null},
): Part {
  const first = firstLine(draft.text);
  return {
    title: shortened(withoutOrderWord(first).replace(/:$/, '') || first, MAX_TITLE),
    prompt: [
      draft.text,
      ...(draft.hasParts ? [PARTS_DONE] : []),
      ...(share === null
        ? []
        : [`Do it for these only; the others are done by others:\n${share.map(file => `- ${file}`).join('\n')}`]),
      ...(draft.context === '' ? [] : [draft.context]),
    ].join('\n\n'),
    priority: priorityOf(first) || draft.inheritedPriority,
    skills: skillsOf(first, files),
    estimate: estimateOf(first),
    files,
    over,
    hasParts: draft.hasParts,
    line: draft.line,
  };
}

const PARTS_DONE =
  'Its parts were tasks of their own and are done. See that they make a whole, and do what is still missing, if anything.';

/** What is in the repository of the paths that a text names. */
function namedFiles(text: string, repository: RepositoryFiles | null): readonly string[] {
  if (!repository) return [];
  const named = [...new Set(text.slice(0, 10_000).match(PATH) ?? [])].slice(0, MAX_NAMED);
  return named
    .map(path => path.replace(/^\.\//, '').replace(/\/$/, ''))
    .filter(path => path !== '' && repository.files(path).length > 0);
}

function sayFacts(subtasks: readonly Subtask[], reading: Reading): void {
  const marked = subtasks.filter(({priority}) => priority !== 0).length;
  const estimated = subtasks.filter(({estimate}) => estimate !== null).length;
  const skilled = [...new Set(subtasks.flatMap(({skills}) => skills))];
  if (marked > 0) reading.add(`${plural(marked, 'task')} with a priority, as marked in the text.`);
  if (estimated > 0) reading.add(`${plural(estimated, 'task')} with an estimate, as given in the text.`);
  if (skilled.length > 0)
    reading.add(`Skills guessed from words and file types, as a preference: ${skilled.join(', ')}.`);
}
