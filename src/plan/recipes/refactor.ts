import type {Recipe} from './recipe.ts';

export const refactor: Recipe = {
  name: 'refactor',
  summary: 'Change how code is written, not what it does, place by place',
  yaml: `# Change how code is written, not what it does: find the places, change each by itself, look at the whole.
version: 1
name: refactor
inputs:
  goal: { description: "What is to be different, for example: no callbacks", required: true }
  where: { description: Folder or glob of the code, default: src }
  test: { description: Command that must succeed after every change, default: npm test }
tasks:
  places:
    prompt: |
      Find every file in \${{ inputs.where }} that has to change to reach this goal: \${{ inputs.goal }}
      Put files that must change together into one entry. Answer with a JSON array of
      {"id": "short-name", "files": "paths with spaces between them", "what": "what has to change there"}.
    outputs: json
    change: none
  change:
    needs: places
    foreach: "\${{ tasks.places.output }}"
    key: "\${{ item.id }}"
    prompt: |
      Goal of the whole refactoring: \${{ inputs.goal }}
      Your part: \${{ item.what }}
      Files: \${{ item.files }}
      Keep the behaviour exactly as it is. Change no test, except for names that have moved.
    change: optional
    verify: sh -c \${{ inputs.test }}
    retries: 2
  look:
    needs: change
    prompt: |
      The goal was: \${{ inputs.goal }}
      The change was made place by place. Look at \${{ inputs.where }} as a whole: mend what is left over, done twice or named in
      two ways. Do not begin anything new.
    change: optional
    verify: sh -c \${{ inputs.test }}
    retries: 1
`,
};
