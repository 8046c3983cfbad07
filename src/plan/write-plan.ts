import {stringify} from 'yaml';

/** A plan document as YAML that people read: long texts as blocks, no anchors, each comment line above it. */
export function planYaml(document: unknown, comments: readonly string[]): string {
  const head = comments
    .map(line => `# ${line.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/g, ' ')}\n`)
    .join('');
  return head + stringify(document, {version: '1.2', lineWidth: 0, aliasDuplicateObjects: false});
}
