import type {Recipe} from './recipe.ts';

export const fixLint: Recipe = {
  name: 'fix-lint',
  summary: 'Mend what a linter or type checker reports, file by file',
  yaml: `# Mend what a linter or type checker reports: list the files, mend each, check the whole.
version: 1
name: fix-lint
inputs:
  lint: { description: Command that reports and fails while something is wrong, default: npm run lint }
  test: { description: Command that must succeed in the end, default: npm test }
tasks:
  files:
    prompt: |
      Run \`\${{ inputs.lint }}\` and list the files it complains about, as a JSON array of paths relative to the current folder.
      If it does not complain, answer [].
    outputs: json
    change: none
  mend:
    needs: files
    foreach: "\${{ tasks.files.output }}"
    prompt: |
      Mend everything that \`\${{ inputs.lint }}\` reports for \${{ item }}. Mend the cause: turn no rule off, and change no behaviour.
    touches: { paths: ["\${{ item }}"], otherwise: warn }
    retries: 2
  rest:
    needs: mend
    prompt: |
      Mend what \`\${{ inputs.lint }}\` still reports, if anything. Turn no rule off.
    change: optional
    verify: |
      sh -c \${{ inputs.lint }}
      sh -c \${{ inputs.test }}
    retries: 2
`,
};
