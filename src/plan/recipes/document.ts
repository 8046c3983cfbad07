import type {Recipe} from './recipe.ts';

export const documentCode: Recipe = {
  name: 'document',
  summary: 'Write documentation that is true, page by page',
  yaml: `# Write documentation: choose the pages, write each from the code, check them against it.
version: 1
name: document
inputs:
  readers: { description: Who it is for, default: people who use this project }
  docs: { description: Folder of the documentation, default: docs }
tasks:
  pages:
    prompt: |
      Which pages do \${{ inputs.readers }} need, beyond those in \${{ inputs.docs }} that are good already? At most 12. Answer with
      a JSON array of {"page": "path below \${{ inputs.docs }}", "about": "what it answers", "sources": "files to read for it"}.
    outputs: json
    change: none
  write:
    needs: pages
    foreach: "\${{ tasks.pages.output }}"
    key: "\${{ item.page }}"
    prompt: |
      Write \${{ item.page }} for \${{ inputs.readers }}. It answers: \${{ item.about }}
      Read these first: \${{ item.sources }}. Say nothing that you have not seen in the code; run every example.
    touches: ["\${{ inputs.docs }}"]
    retries: 1
  check:
    needs: write
    prompt: |
      Read all pages in \${{ inputs.docs }} as a whole. Compare what they say with the code and correct it, make them use the same
      words for the same things, and link them to each other.
    touches: ["\${{ inputs.docs }}", README.md]
    change: optional
    retries: 1
`,
};
