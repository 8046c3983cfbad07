import type {Recipe} from './recipe.ts';

export const review: Recipe = {
  name: 'review',
  summary: 'Look at a change from several sides and report what is wrong',
  yaml: `# Look at a change from several sides, doubt every finding, write one report. Changes nothing.
version: 1
name: review
inputs:
  what: { description: "What to review, as git names it", default: "main...HEAD" }
tasks:
  look:
    foreach:
      - { id: correctness, side: "mistakes: wrong results, limits, races, what happens when something fails" }
      - { id: security, side: "security: who can make it do what it should not, what gets out" }
      - { id: tests, side: "tests: what is not tested, and which tests could not fail" }
      - { id: simplicity, side: "simplicity: what could be left out or said more plainly, and what is there twice" }
    key: "\${{ item.id }}"
    prompt: |
      Review the change that \`git diff \${{ inputs.what }}\` shows. Look at one side only: \${{ item.side }}
      Answer with your findings, the worst first, each with file, line, what is wrong, and how to see it. No praise.
    outputs: text
    change: none
  doubt:
    needs: look
    prompt: |
      Each file you were given holds findings of one reviewer about \`git diff \${{ inputs.what }}\`. Check every finding
      against the code. Answer with those that are true, the worst first, each with file, line and reason. Leave out all others.
    outputs: text
    change: none
`,
};
