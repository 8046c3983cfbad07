import type {Recipe} from './recipe.ts';

export const migrate: Recipe = {
  name: 'migrate',
  summary: 'Move from one library, language or API to another, file by file',
  yaml: `# Move from one thing to another: prepare, migrate file by file, remove the old one.
version: 1
name: migrate
inputs:
  from: { description: "What is there now, for example: moment", required: true }
  to: { description: "What is to be there, for example: date-fns", required: true }
  where: { description: Folder or glob of the code, default: src }
  test: { description: Command that must succeed after every change, default: npm test }
tasks:
  prepare:
    prompt: |
      We move from \${{ inputs.from }} to \${{ inputs.to }} in small steps. Make both usable side by side: add what is needed, and
      write MIGRATION.md with a rule for every case that occurs in \${{ inputs.where }}, each with a short example.
    verify: sh -c \${{ inputs.test }}
    retries: 1
  files:
    needs: prepare
    prompt: List every file in \${{ inputs.where }} that still uses \${{ inputs.from }}, as a JSON array of paths.
    outputs: json
    change: none
  migrate:
    needs: files
    foreach: "\${{ tasks.files.output }}"
    prompt: |
      Move \${{ item }} from \${{ inputs.from }} to \${{ inputs.to }} by the rules in MIGRATION.md. Other files are moved by others.
    touches: { paths: ["\${{ item }}"], otherwise: warn }
    verify: sh -c \${{ inputs.test }}
    retries: 2
  remove:
    needs: migrate
    prompt: |
      Nothing should use \${{ inputs.from }} any more. Move what still does, then remove it with its configuration, and delete
      MIGRATION.md.
    verify: sh -c \${{ inputs.test }}
    retries: 2
`,
};
