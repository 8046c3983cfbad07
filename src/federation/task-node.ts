import type {JsonValue} from '../base/json.ts';
import type {Memo} from '../model/attempt.ts';
import type {TaskSeq} from '../model/ids.ts';
import type {SkipReason, TaskSpec, TaskState} from '../model/task.ts';

const WAITING: TaskState = {name: 'waiting'};
/** Shared by all nodes without neighbours, so that a plan of 100,000 tasks does not hold 200,000 empty arrays. */
const NO_NODES: TaskNode[] = [];

export interface TaskNodeOptions {
  readonly seq: TaskSeq;
  readonly id: string;
  readonly specIndex: number;
  readonly spec: TaskSpec;
  readonly group: TaskNode | null;
  readonly item: JsonValue | undefined;
}

/** A task in the live graph of its team: its place (fixed), its state and counters (changed only by its `Team`). */
export class TaskNode {
  readonly seq: TaskSeq;
  readonly id: string;
  readonly specIndex: number;
  readonly spec: TaskSpec;
  /** The `foreach` template this task is an instance of. */
  readonly group: TaskNode | null;
  readonly item: JsonValue | undefined;

  needs = NO_NODES;
  dependents = NO_NODES;
  /** The task whose output a `foreach` iterates over. */
  source: TaskNode | null = null;
  /** The `foreach` templates that iterate over this task's output. */
  feeds = NO_NODES;
  /** Upward rank: the number of tasks on the longest path from here to the end of the plan, this one included. */
  rank = 1;

  state = WAITING;
  unfinishedNeeds = 0;
  /** Why the condition `success()` cannot hold any more: the first need that did not succeed. */
  obstacle: {readonly need: TaskNode; cause: SkipReason['cause']} | null = null;
  ancestorFailed = false;
  /** Attempts that count against `retries`. */
  failures = 0;
  /** Attempts lost with their host. */
  losses = 0;
  /** From 1: how often it has been asked to go again after it was over, and once more. What is above counts for this round. */
  round = 1;
  /** All that there were, in every round: the number of the last one. */
  attempts = 0;
  /** What is handed to the next attempt. */
  memo: Memo | undefined = undefined;
  /** Set for a `foreach` template once it is expanded. */
  members: Members | null = null;

  constructor({seq, id, specIndex, spec, group, item}: TaskNodeOptions) {
    this.seq = seq;
    this.id = id;
    this.specIndex = specIndex;
    this.spec = spec;
    this.group = group;
    this.item = item;
    if (group) this.rank = group.rank;
  }

  feedFrom(source: TaskNode): void {
    if (source.feeds === NO_NODES) source.feeds = [];
    source.feeds.push(this);
    this.source = source;
  }

  get isTemplate(): boolean {
    return this.spec.foreach !== undefined && this.group === null;
  }

  link(need: TaskNode): void {
    if (this.needs === NO_NODES) this.needs = [];
    if (need.dependents === NO_NODES) need.dependents = [];
    this.needs.push(need);
    need.dependents.push(this);
    this.unfinishedNeeds += 1;
  }
}

/** What a `foreach` template knows of its instances. */
export interface Members {
  readonly all: TaskNode[];
  total: number;
  open: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  /** Instances with an attempt; never more than `max-parallel`. */
  running: number;
}
