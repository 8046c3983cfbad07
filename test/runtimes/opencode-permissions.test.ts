import {expect, test} from 'vitest';
import {allowances} from '../../src/runtimes/allow.ts';
import {opencodePermissions} from '../../src/runtimes/opencode-permissions.ts';

/** Of several rules that match, opencode takes the last. */
function decision(tool: string, what: string, allow: readonly string[] = [], readOnly = false): string {
  const permissions = opencodePermissions(allowances(allow), readOnly);
  const rules = permissions[tool] ?? permissions['*'] ?? 'none';
  if (typeof rules === 'string') return rules;
  const matching = Object.entries(rules).filter(([pattern]) => {
    const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(what);
  });
  return matching.at(-1)?.[1] ?? 'none';
}

test('files are changed inside of the worktree only', () => {
  expect(decision('edit', 'src/a.ts')).toBe('allow');
  expect(decision('edit', '../a.ts')).toBe('deny');
  expect(decision('edit', '/etc/passwd', ['all'])).toBe('deny');
  expect(decision('edit', 'src/a.ts', [], true)).toBe('deny');
});

test('commands are those that look, and those of a pattern', () => {
  expect(decision('bash', 'git status')).toBe('allow');
  expect(decision('bash', 'git status --short')).toBe('allow');
  expect(decision('bash', 'git statusx')).toBe('deny');
  expect(decision('bash', 'git log > /etc/x')).toBe('deny');
  expect(decision('bash', 'git diff --output=x')).toBe('deny');
  expect(decision('bash', 'npm test')).toBe('deny');
  expect(decision('bash', 'npm test > out', ['bash:npm test*'])).toBe('allow');
  expect(decision('bash', 'rm x', ['bash'])).toBe('allow');
  expect(decision('bash', 'rm x', ['bash'], true)).toBe('deny');
});

test('what nobody has decided on is denied', () => {
  expect(decision('some_server_tool', '')).toBe('deny');
  expect(decision('some_server_tool', '', ['mcp'])).toBe('allow');
  expect(decision('webfetch', '')).toBe('deny');
  expect(decision('webfetch', '', ['network'])).toBe('allow');
  expect(decision('task', '', ['all'])).toBe('deny');
  expect(decision('external_directory', '', ['read-outside'])).toBe('allow');
});
