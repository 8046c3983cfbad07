/** What a text wants done once for each of. */
export interface Each {
  readonly what: 'files' | 'folders' | 'packages';
  /** Empty for packages. */
  readonly glob: string;
}

const EVERY = String.raw`(?:each|every|all)(?:\s+of)?(?:\s+the)?`;
const NOUN = String.raw`(?<noun>[\p{L}\p{N}_.-]+(?:\s+[\p{L}\p{N}_.-]+){0,2})`;
const PLACE = String.raw`(?:in|under|of|matching|from|inside|within|below)`;
const QUOTED = '[`\'"](?<quoted>[^`\'"\\n]{1,300})[`\'"]';
const BARE = String.raw`(?<bare>[^\s,:;\x60'"()]{1,300})`;
const IN_GLOB = new RegExp(String.raw`\b${EVERY}\s+${NOUN}\s+${PLACE}\s+(?:${QUOTED}|${BARE})`, 'iu');
const GLOB_ONLY = new RegExp(String.raw`\b${EVERY}\s+(?:${QUOTED}|${BARE})`, 'iu');
const PACKAGES = new RegExp(
  String.raw`\b(?:each|every|all(?:\s+of)?(?:\s+the)?)\s+(?:npm\s+|cargo\s+|go\s+)?(?:packages?|workspaces?|crates?)\b`,
  'i',
);
const FOLDER = /\b(?:folders?|director(?:y|ies)|packages?|modules?|crates?)$/i;

/** `for each X in GLOB`, `… every X in GLOB …`, `for every package`. Null: nothing of the kind. */
export function eachOf(text: string): Each | null {
  const groups = IN_GLOB.exec(text)?.groups;
  const glob = globOf(groups);
  if (glob !== null) return {what: FOLDER.test(groups?.['noun'] ?? '') ? 'folders' : 'files', glob};
  const only = GLOB_ONLY.exec(text)?.groups;
  const alone = globOf(only);
  if (alone !== null && /[*?{]/.test(alone)) return {what: 'files', glob: alone};
  return PACKAGES.test(text) ? {what: 'packages', glob: ''} : null;
}

/** A path with a wildcard or a slash; a plain word is a word. */
function globOf(groups: Record<string, string> | undefined): string | null {
  const text = (groups?.['quoted'] ?? groups?.['bare'])?.replace(/[.!]+$/, '').replace(/^\.\//, '');
  if (text === undefined || !/[*?{/]/.test(text) || /^[/!]|(?:^|\/)\.\.(?:\/|$)|:\/\//.test(text)) return null;
  return text;
}
