import {readClock} from '../../base/clock.ts';
import type {Assignment} from '../../federation/engine-io.ts';
import type {AttemptOutcome} from '../../model/attempt.ts';
import type {EventBody} from '../../model/event.ts';
import type {Memory} from '../../model/episode.ts';
import {failureOf} from '../../model/failure.ts';
import type {AgentId, AttemptId, TeamId} from '../../model/ids.ts';
import type {GivenMemory} from '../../model/memory.ts';
import type {EngineRecord, StoredTeam} from '../../model/record.ts';
import type {TeamSpec} from '../../model/team.ts';
import type {Log} from '../log.ts';
import type {AttemptMemory} from './attempt-memory.ts';
import {givenMemories} from './given-memories.ts';
import {Lately} from './lately.ts';
import {type LessonEnd, type LessonHead, type LessonTask, lessonEnd, lessonHead, reviewedEnd} from './lesson.ts';
import {lessonId} from './lesson-id.ts';

export interface LessonsOptions {
  readonly memoryOf: (team: TeamSpec) => AttemptMemory;
  /** Of this project's store: numbers of attempts are unique with it. */
  readonly storeId: string;
  /** Memories that an attempt is given at most, ≥ 0, and how long it waits for them, in milliseconds. */
  readonly count: number;
  readonly waitMs: number;
  /** Takes the secrets of a team out of a text. */
  readonly cleanerOf: (teamId: TeamId, spec: TeamSpec) => (text: string) => string;
  readonly log: Log;
}

/** What agents have said of memories last: as many of these are known. */
const MAX_SAID = 10_000;

/** An attempt that is to leave a lesson. */
interface Learner {
  readonly memory: AttemptMemory;
  readonly teamId: TeamId;
  readonly team: string;
  readonly agentId: AgentId;
  readonly task: Pick<LessonTask, 'taskId' | 'spec' | 'means'>;
  readonly head: LessonHead;
  readonly clean: (text: string) => string;
  /** What it was given. */
  given: readonly string[];
  /** The end of what it printed; null: its host has not said so. */
  said: string | null;
}

/** It has succeeded, and a reviewer decides whether it has. */
interface InReview {
  readonly learner: Learner;
  readonly attempt: AttemptId;
  readonly atMs: number;
  readonly end: LessonEnd;
}

/**
 * Between the attempts and the memory: what an attempt is given before it begins, and what is kept of it once its end is durable.
 * An attempt is told to the memory once: after the commit of its end, never again. A daemon that is killed between both leaves no
 * lesson of it.
 */
export class Lessons {
  readonly #options: LessonsOptions;
  readonly #learners = new Map<AttemptId, Learner>();
  /** By team and task: the next verdict on the task is on it. */
  readonly #inReview = new Map<TeamId, Map<string, InReview>>();
  /** By episode and agent: said again, the same changes nothing. */
  readonly #borne = new Map<string, boolean>();
  readonly #lately = new Lately();
  #isFailing = false;

  constructor(options: LessonsOptions) {
    this.#options = options;
  }

  /** Attempts that an earlier daemon left at work leave lessons too; what they were given is not known any more. */
  restore(teams: readonly StoredTeam[]): void {
    for (const {id, spec, tasks, openAttempts} of teams) {
      if (spec.memory === 'off') continue;
      this.#options.memoryOf(spec).prepare();
      const bySeq = new Map(tasks.map(task => [task.seq, task]));
      for (const {id: attempt, task: seq, agentId, means} of openAttempts) {
        const task = bySeq.get(seq);
        const taskSpec = task && spec.plan?.tasks[task.specIndex];
        if (!task || !taskSpec || taskSpec.reviews !== undefined) continue;
        const item = task.group === null ? undefined : task.item;
        const facts = {taskId: task.id, spec: taskSpec, item, needs: taskSpec.needs, means, team: spec.name};
        this.#learners.set(attempt, this.#learner(id, spec, {agentId, task: facts}));
      }
    }
  }

  /** A team is about to begin. */
  prepare(team: TeamSpec): void {
    if (team.memory !== 'off') this.#options.memoryOf(team).prepare();
  }

  /** What the attempt is given, within the time it may wait; null: its team has no memory. Never rejects. */
  before(assignment: Assignment, team: TeamSpec): Promise<readonly GivenMemory[]> | null {
    if (team.memory === 'off') return null;
    const {attempt, teamId, agentId, taskId, spec, item, needs, means, reviewed} = assignment;
    const task = {taskId, spec, item, needs: needs.map(({name}) => name), means, team: team.name};
    const learner = this.#learner(teamId, team, {agentId, task});
    // A review is a remark on what it reviews.
    if (!reviewed) this.#learners.set(attempt, learner);
    return this.#recall(attempt, learner);
  }

  /** A host tells the end of what the attempt printed, before its end is durable. */
  said(attempt: AttemptId, text: string): void {
    const learner = this.#learners.get(attempt);
    if (learner) learner.said = text;
  }

  /** These records are durable. */
  settled(records: readonly EngineRecord[]): void {
    for (const record of records) {
      if (record.kind === 'attempt-ended') this.#ended(record);
      else if (record.kind === 'event') this.#happened(record.event.teamId, record.event.body, record.event.atMs);
      else if (record.kind === 'team-finished') this.#inReview.delete(record.id);
    }
  }

  #learner(
    teamId: TeamId,
    spec: TeamSpec,
    {agentId, task}: {readonly agentId: AgentId; readonly task: LessonTask},
  ): Learner {
    const clean = this.#options.cleanerOf(teamId, spec);
    const memory = this.#options.memoryOf(spec);
    return {
      memory,
      teamId,
      team: spec.name,
      agentId,
      task,
      head: lessonHead(task, clean),
      clean,
      given: [],
      said: null,
    };
  }

  async #recall(attempt: AttemptId, learner: Learner): Promise<readonly GivenMemory[]> {
    const {count, waitMs} = this.#options;
    if (count === 0) return [];
    const {memory} = learner;
    const shared = this.#lately.of(learner);
    if (shared) return this.#give(attempt, learner, shared);
    const begunMs = readClock().monoMs;
    const {task, input} = learner.head;
    const query = input === '' ? task : `${task}\n${input}`;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>(resolve => {
      timer = setTimeout(resolve, waitMs, 'late');
    });
    try {
      const found = await Promise.race([memory.recall({query, k: count, deadlineMs: waitMs}), late]);
      if (found === 'late') return this.#failing({waitMs}, 'the memory did not answer in time');
      this.#isFailing = false;
      this.#lately.found(learner, {found, tookMs: readClock().monoMs - begunMs});
      return this.#give(attempt, learner, found);
    } catch (error) {
      return this.#failing({error: failureOf(error)}, 'the memory could not be asked');
    } finally {
      clearTimeout(timer);
    }
  }

  #give(attempt: AttemptId, learner: Learner, found: readonly Memory[]): readonly GivenMemory[] {
    const {storeId, count} = this.#options;
    const given = givenMemories(found, count);
    learner.given = given.map(({id}) => id);
    for (const episode of learner.given) learner.memory.use({id: `${storeId} ${attempt} ${episode}`, episode});
    return given;
  }

  /** Said once, until it answers again. */
  #failing(facts: object, what: string): readonly GivenMemory[] {
    if (!this.#isFailing) this.#options.log.warn(facts, `${what}: attempts begin without memories`);
    this.#isFailing = true;
    return [];
  }

  #ended({id, outcome, atMs}: Extract<EngineRecord, {kind: 'attempt-ended'}>): void {
    const learner = this.#learners.get(id);
    this.#learners.delete(id);
    if (!learner || !outcome) return;
    const {spec} = learner.task;
    const end = lessonEnd(outcome, {spec, said: learner.said, clean: learner.clean});
    if (!end) return;
    const ended = {learner, attempt: id, atMs, end};
    if (isReviewed(outcome, spec)) this.#awaitReview(ended);
    else this.#learn(ended);
  }

  #awaitReview(ended: InReview): void {
    const {teamId, task} = ended.learner;
    const ofTeam = this.#inReview.get(teamId) ?? new Map<string, InReview>();
    ofTeam.set(task.taskId, ended);
    this.#inReview.set(teamId, ofTeam);
  }

  #happened(teamId: TeamId | null, body: EventBody, atMs: number): void {
    if (teamId === null || body.type !== 'task-reviewed') return;
    const ofTeam = this.#inReview.get(teamId);
    const ended = ofTeam?.get(body.task);
    if (!ended) return;
    ofTeam?.delete(body.task);
    const end = reviewedEnd(ended.end, {...body, clean: ended.learner.clean});
    this.#learn({...ended, atMs, end});
  }

  #learn({learner, attempt, atMs, end}: InReview): void {
    const {storeId} = this.#options;
    const {memory, agentId, team, head, given} = learner;
    memory.remember({id: lessonId(atMs, [storeId, attempt]), agentId, sessionId: team, ...head, ...end});
    for (const episode of given) {
      if (!this.#isNews(`${episode} ${agentId}`, end.success)) continue;
      memory.confirm({id: lessonId(atMs, [storeId, attempt, episode]), episode, by: agentId, success: end.success});
    }
  }

  /** Of what one agent says of one memory the last word counts. */
  #isNews(key: string, success: boolean): boolean {
    if (this.#borne.get(key) === success) return false;
    const [oldest] = this.#borne.keys();
    if (this.#borne.size >= MAX_SAID && oldest !== undefined) this.#borne.delete(oldest);
    this.#borne.set(key, success);
    return true;
  }
}

/** Only what has changed something is reviewed. */
function isReviewed(outcome: AttemptOutcome, spec: Assignment['spec']): boolean {
  return outcome.result.ok && spec.review !== undefined && (outcome.work ?? null) !== null;
}
