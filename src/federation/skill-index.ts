import type {AgentGroup} from '../model/agent.ts';

/** Which groups have a skill, so that nobody has to look through all agents. Groups without any skills accept everything. */
export class SkillIndex {
  readonly #bySkill = new Map<string, Set<number>>();
  readonly #anything: number[] = [];
  readonly #size: number;

  constructor(groups: readonly AgentGroup[]) {
    this.#size = groups.length;
    groups.forEach(({skills}, index) => {
      if (skills.length === 0) this.#anything.push(index);
      for (const skill of skills) {
        const known = this.#bySkill.get(skill);
        if (known) known.add(index);
        else this.#bySkill.set(skill, new Set([index]));
      }
    });
  }

  /** The groups whose agents have all of these skills, in order. */
  groupsWith(skills: readonly string[]): readonly number[] {
    if (skills.length === 0) return Array.from({length: this.#size}, (_, index) => index);
    const sets = skills.map(skill => this.#bySkill.get(skill) ?? NONE).sort((a, b) => a.size - b.size);
    const [fewest = NONE, ...others] = sets;
    const skilled = [...fewest].filter(index => others.every(set => set.has(index)));
    return [...skilled, ...this.#anything].sort((a, b) => a - b);
  }
}

const NONE: ReadonlySet<number> = new Set();
