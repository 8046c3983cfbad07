import type {Now} from '../base/clock.ts';
import type {Input, Step} from '../federation/engine-io.ts';
import type {TaskStanding} from '../federation/task-obstacles.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {TaskSeq, TeamId} from '../model/ids.ts';
import type {StoredState} from '../model/record.ts';
import type {TeamView} from '../model/team-view.ts';

/** As much of the engine as the simulated daemon uses; broken variants put something else in its place. */
export interface EngineUnderTest {
  handle(input: Input, now: Now): Step;
  nextDeadlineMs(): number | null;
  agents(teamId: TeamId, options: {readonly now: Now}): readonly AgentView[];
  view(teamId: TeamId, options: {readonly now: Now}): TeamView | null;
  /** Of a task of a team that is not over. */
  standing(teamId: TeamId, task: TaskSeq): TaskStanding | null;
}

export type EngineFactory = (stored: StoredState, now: Now) => {engine: EngineUnderTest; step: Step};
