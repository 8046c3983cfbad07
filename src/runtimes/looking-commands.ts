/** Shell commands that only look. A runtime whose own rules know no such commands is given these. */
export const LOOKING_COMMANDS: readonly string[] = [
  'git status',
  'git diff',
  'git log',
  'git show',
  'git ls-files',
  'git grep',
  'ls',
  'pwd',
];
