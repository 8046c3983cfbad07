import {expect, test} from 'vitest';
import {allowances} from '../../src/runtimes/allow.ts';
import {geminiPolicy} from '../../src/runtimes/gemini-policy.ts';

const policy = (allow: readonly string[], readOnly = false) => geminiPolicy(allowances(allow), readOnly);

/** The first rule for the shell whose pattern is found in the arguments, by priority, as Gemini CLI looks for it. */
function decisionFor(command: string, text: string): string {
  const rules = text.split('[[rule]]').flatMap(rule => {
    const pattern = /^commandRegex = (.*)$/m.exec(rule)?.[1];
    const priority = Number(/^priority = (\d+)$/m.exec(rule)?.[1]);
    const decision = /^decision = "(\w+)"$/m.exec(rule)?.[1] ?? '';
    return pattern === undefined ? [] : [{pattern: JSON.parse(pattern) as string, priority, decision}];
  });
  const found = rules
    .sort((a, b) => b.priority - a.priority)
    .find(({pattern}) => new RegExp(`"command":"${pattern}`).test(JSON.stringify({command})));
  return found?.decision ?? 'none';
}

test('each rule names a tool, without which Gemini CLI takes none of the file', () => {
  const rules = policy(['bash:npm test*']).split('[[rule]]').slice(1);
  expect(rules.length).toBeGreaterThan(3);
  for (const rule of rules) expect(rule).toMatch(/^toolName = /m);
});

test('commands by a pattern are those that it matches as a whole', () => {
  const text = policy(['bash:npm test*', 'bash:make', 'bash:echo "a.b"']);
  expect(decisionFor('npm test -- x', text)).toBe('allow');
  expect(decisionFor('npm publish', text)).toBe('none');
  expect(decisionFor('make', text)).toBe('allow');
  expect(decisionFor('make install', text)).toBe('none');
  expect(decisionFor('echo "a.b"', text)).toBe('allow');
  expect(decisionFor('echo "axb"', text)).toBe('none');
  expect(decisionFor('git diff --output=/etc/x', text)).toBe('deny');
});

test('the web and tool servers are closed unless they are allowed', () => {
  expect(policy([])).toMatch(/"web_fetch","google_web_search"\]\ndecision = "deny"/);
  expect(policy(['network'])).toMatch(/"web_fetch","google_web_search"\]\ndecision = "allow"/);
  expect(policy([])).toMatch(/mcpName = "\*"\ndecision = "deny"/);
  expect(policy(['mcp'])).toMatch(/mcpName = "\*"\ndecision = "allow"/);
});

test('any command is allowed only to who may change something', () => {
  expect(policy(['bash'])).toContain('allowRedirection = true');
  expect(policy(['bash'], true)).not.toContain('allowRedirection = true');
});
