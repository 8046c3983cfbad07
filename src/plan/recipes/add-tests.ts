import type {Recipe} from './recipe.ts';

export const addTests: Recipe = {
  name: 'add-tests',
  summary: 'Write tests for code that has none',
  yaml: `# Write tests for code that has none: find it, cover each file, report what the tests have shown.
version: 1
name: add-tests
inputs:
  where: { description: Folder or glob of the code, default: src }
  tests: { description: Folder of the tests, default: test }
  test: { description: Command that runs the tests, default: npm test }
tasks:
  untested:
    prompt: |
      Find the files in \${{ inputs.where }} whose behaviour no test in \${{ inputs.tests }} checks, the most important first, at
      most 50. Answer with a JSON array of paths.
    outputs: json
    change: none
  cover:
    needs: untested
    foreach: "\${{ tasks.untested.output }}"
    prompt: |
      Write tests for \${{ item }} in \${{ inputs.tests }}, in the style of the tests that are there: what it promises, its limits,
      its failures. Every test must fail when the code is broken: break it once and see. Do not change the code itself; if you find
      a fault, write a test that is skipped and says why.
    touches: ["\${{ inputs.tests }}"]
    verify: sh -c \${{ inputs.test }}
    retries: 2
  report:
    needs: cover
    prompt: List the skipped tests that were added and the faults they show, one a line. If there are none, say so.
    outputs: text
    change: none
`,
};
