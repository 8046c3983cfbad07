import {BaseSequencer, type TestSpecification} from 'vitest/node';

/** Begun last, one of these would keep one worker busy when the others have nothing left; a fresh clone knows of no durations. */
const LONGEST = [
  'simulation/many-seeds.rig.test.ts',
  'end-to-end/edit-many.rig.test.ts',
  'chaos/chaos.rig.test.ts',
  'package/pack.rig.test.ts',
  'cli/completion/shells.rig.test.ts',
  'hub/process/killed-hub.rig.test.ts',
  'edges/plans.rig.test.ts',
  'cli/task-plan.rig.test.ts',
  'tui/terminal.rig.test.ts',
  'hub/process/hub-commands.rig.test.ts',
  'daemon/shared-memory.rig.test.ts',
  'cli/commands.rig.test.ts',
  'edges/places.rig.test.ts',
  'edges/twice.rig.test.ts',
  'examples/run-audit.rig.test.ts',
  'host/agents.rig.test.ts',
  'host/limits.rig.test.ts',
  'simulation/mutants.test.ts',
  'simulation/run-seed.test.ts',
  'daemon/memory/hub-line.test.ts',
  'plan/parse-plan.test.ts',
  'workspace/pool.test.ts',
];

/** The longest files first, then the others as vitest would have them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => groupOf(a) - groupOf(b) || rankOf(a) - rankOf(b));
  }
}

function groupOf({project}: TestSpecification): number {
  return project.config.sequence.groupOrder;
}

function rankOf({moduleId}: TestSpecification): number {
  const rank = LONGEST.findIndex(file => moduleId.endsWith(`/test/${file}`));
  return rank < 0 ? LONGEST.length : rank;
}
