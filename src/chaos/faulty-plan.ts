import {join} from 'node:path';
import {shellWord} from '../base/shell-word.ts';
import type {Plan} from '../model/plan.ts';
import type {CommandTask} from '../model/task.ts';
import {type FaultChoice, MAX_FAULTS_OF_A_TASK} from './fault.ts';
import {faultScript} from './fault-script.ts';

/** A plan as it was checked: its document, and what that means. */
export interface CheckedPlan {
  readonly document: unknown;
  readonly plan: Plan;
}

export interface FaultyPlan {
  /** The document, to be run as any other. */
  readonly document: unknown;
  /** What has to be in `scriptFile` while it runs. */
  readonly script: string;
  readonly scriptFile: string;
  readonly ledgerFile: string;
  /** Attempts of a task that may fail without the task failing, as the plan itself says; by the task's id in the plan. */
  readonly retries: ReadonlyMap<string, number>;
  /** Tasks that are commands, and so are made faulty; prompts stay as they are. */
  readonly commands: number;
  readonly prompts: number;
}

/** Most retries that a plan may give a task. */
const MOST_RETRIES = 100;
/** Of the memory that a task may have, what a faulty attempt takes. */
const TOO_MUCH = 1.5;

/**
 * The plan with faults in its commands. Each begins with a script of our own, in `folder`, that either breaks the attempt
 * before the task's own script has begun (a crash: while it runs) or leaves it alone; when the file is gone, so are the
 * faults. Each gets the limits by which faults are noticed and as many more retries as it can have faults.
 */
export function faultyPlan({document, plan}: CheckedPlan, choice: FaultChoice, folder: string): FaultyPlan {
  const scriptFile = join(folder, 'faults.sh');
  const ledgerFile = join(folder, 'ledger');
  const commands = new Map(plan.tasks.flatMap(task => (task.run === undefined ? [] : [[task.id, task] as const])));
  // A checked document is a mapping with a mapping of tasks.
  const whole = document as {readonly tasks: Readonly<Record<string, TaskDocument>>};
  const tasks = Object.entries(whole.tasks).map(([id, task]) => {
    const spec = commands.get(id);
    return [id, spec ? {...task, ...faultyTask(task, {spec, choice, scriptFile})} : task];
  });
  return {
    document: {...whole, tasks: Object.fromEntries(tasks) as unknown},
    script: faultScript(choice, ledgerFile),
    scriptFile,
    ledgerFile,
    retries: new Map(plan.tasks.map(({id, retries}) => [id, retries])),
    commands: commands.size,
    prompts: plan.tasks.filter(({prompt}) => prompt !== undefined).length,
  };
}

/** What we look at of a task in the document; its expressions are not yet filled in. */
interface TaskDocument {
  readonly run?: string;
  readonly limits?: object;
}

interface Means {
  readonly spec: CommandTask;
  readonly choice: FaultChoice;
  readonly scriptFile: string;
}

/** The keys of the task that are different. A limit is added only where neither the task nor the plan's defaults have it. */
function faultyTask({run, limits}: TaskDocument, {spec, choice, scriptFile}: Means): object {
  const isFoundOut = spec.verify !== undefined || spec.outputs === 'json';
  const {memoryBytes, silenceMs} = spec.limits ?? {};
  const bytes = Math.round((memoryBytes ?? choice.memoryBytes) * TOO_MUCH);
  const file = shellWord(scriptFile);
  return {
    run: `_chaos_lies=${isFoundOut ? 1 : 0} _chaos_bytes=${bytes}; if [ -r ${file} ]; then . ${file} || :; fi\n${run ?? ''}`,
    retries: Math.min(MOST_RETRIES, spec.retries + MAX_FAULTS_OF_A_TASK),
    ...(memoryBytes === undefined && {limits: {...limits, memory: `${Math.ceil(choice.memoryBytes / 1024)}KiB`}}),
    ...(silenceMs === undefined && {silence: choice.silenceMs / 1000}),
  };
}
