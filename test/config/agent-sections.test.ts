import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {loadSettings} from '../../src/config/load-settings.ts';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {failureLines} from '../../src/model/failure-text.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'godel-config-'));
});
afterEach(() => rmSync(root, {recursive: true}));

const PROJECT = 'project/godel.config.yaml';
const USER = 'home/.config/godel/config.yaml';

function write(file: string, text: string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), {recursive: true});
  writeFileSync(target, text);
}

function load() {
  return loadSettings({projectFolder: path.join(root, 'project'), env: {}, home: path.join(root, 'home')});
}

function loaded() {
  const result = load();
  if (!result.ok) throw new Error(failureLines(result.failure).join('\n'));
  return result.value;
}

/** Loads a project file; what is wrong with it, without the hints. */
function problems(text: string): string[] {
  write(PROJECT, text);
  const result = load();
  const lines = result.ok ? [] : failureLines(result.failure);
  return lines
    .filter(line => !line.startsWith(' '))
    .map(line => line.replace(`${root}/project/godel.config.yaml:`, ''));
}

test('without any file there are no runtimes, prices or links', () => {
  const {agents, agentProvenance} = loaded();
  expect(agents).toEqual(NO_AGENT_SETTINGS);
  expect(agentProvenance).toEqual({'workspace.link': 'default', 'workspace.quota': 'default'});
});

test('a runtime is described in full', () => {
  write(
    PROJECT,
    `max-agents: 5
runtimes:
  mine:
    command: [my-agent, --model, "{model}"]
    prompt-by: stdin
    output: json-lines
    fields: {text: result, session: meta.session-id, input-tokens: usage.input, output-tokens: usage.output, usd: cost, error: error.message}
    secrets: [MY_KEY]
    provider: my-cloud
    memory: 200MiB
`,
  );
  const {agents, agentProvenance, settings} = loaded();
  expect(settings.maxAgents).toBe(5);
  expect(agents.runtimes).toEqual([
    {
      name: 'mine',
      command: ['my-agent', '--model', '{model}'],
      promptBy: 'stdin',
      output: 'json-lines',
      fields: {
        text: 'result',
        session: 'meta.session-id',
        inputTokens: 'usage.input',
        outputTokens: 'usage.output',
        usd: 'cost',
        error: 'error.message',
      },
      secrets: ['MY_KEY'],
      provider: 'my-cloud',
      memoryBytes: 200 * 1024 * 1024,
    },
  ]);
  expect(agentProvenance['runtimes.mine']).toBe(path.join(root, `${PROJECT}:3`));
});

test('of a runtime only the command must be given, and the prompt goes where there is a place for it', () => {
  write(
    PROJECT,
    'runtimes:\n  a: {command: [x, "do: {prompt}"]}\n  b: {command: [y]}\n  c: {command: [z], output: acp}\n',
  );
  const {runtimes} = loaded().agents;
  expect(runtimes.map(({promptBy, output}) => [promptBy, output])).toEqual([
    ['argument', 'text'],
    ['stdin', 'text'],
    ['stdin', 'acp'],
  ]);
  expect(runtimes[0]).toMatchObject({fields: {}, secrets: [], provider: null, memoryBytes: null});
});

test('the project goes over the user part by part, and each part says where it comes from', () => {
  write(
    USER,
    'runtimes: {a: {command: [user-a]}, b: {command: [user-b]}}\nprices: {m: {input: 1, output: 2}, n: {input: 9, output: 9}}\nworkspace:\n  link: [node_modules]\n  quota: 1GiB\n',
  );
  write(
    PROJECT,
    'runtimes: {b: {command: [ours]}}\nprices: {m: {input: 3, output: 4, cache-read: 0.5}}\nworkspace: {quota: none}\n',
  );
  const {agents, agentProvenance} = loaded();
  expect(agents.runtimes.map(({name, command}) => [name, command[0]])).toEqual([
    ['a', 'user-a'],
    ['b', 'ours'],
  ]);
  expect(agents.prices).toEqual({
    m: {input: 3, output: 4, cacheRead: 0.5, cacheWrite: 3},
    n: {input: 9, output: 9, cacheRead: 9, cacheWrite: 9},
  });
  expect(agents.workspace).toEqual({link: [{path: 'node_modules', how: 'copy'}], quotaBytes: null});
  expect(agentProvenance).toMatchObject({
    'runtimes.a': path.join(root, `${USER}:1`),
    'runtimes.b': path.join(root, `${PROJECT}:1`),
    'prices.m': path.join(root, `${PROJECT}:2`),
    'workspace.link': path.join(root, `${USER}:4`),
    'workspace.quota': path.join(root, `${PROJECT}:3`),
  });
});

test('a folder is copied into worktrees unless it is said otherwise', () => {
  write(PROJECT, 'workspace:\n  link: [a/b/, {path: data, how: symlink}, {path: c}]\n');
  expect(loaded().agents.workspace.link).toEqual([
    {path: 'a/b', how: 'copy'},
    {path: 'data', how: 'symlink'},
    {path: 'c', how: 'copy'},
  ]);
});

test.each([
  ['runtimes: 5', '1:11: runtimes: a map is expected'],
  ['runtimes:', '1:10: runtimes: a map is expected'],
  ['runtimes: {claude: {command: [x]}}', '1:12: runtimes.claude: godel has a runtime of this name already'],
  ['runtimes: {"A b": {command: [x]}}', '1:12: runtimes.A b: a name of small letters, digits and "-" is expected'],
  ['runtimes: {a: {}}', '1:12: runtimes.a: command is missing'],
  ['runtimes: {a: {command: x}}', '1:25: runtimes.a.command: a list is expected'],
  ['runtimes: {a: {command: []}}', '1:25: runtimes.a: command is empty'],
  ['runtimes: {a: {command: [1]}}', '1:26: runtimes.a.command: 1 cannot be used here'],
  ['runtimes: {a: {comand: [x]}}', '1:16: runtimes.a: unknown key "comand"'],
  ['runtimes: {a: {command: [x], output: xml}}', '1:38: runtimes.a.output: "xml" is unknown'],
  [
    'runtimes: {a: {command: [x], prompt-by: argument}}',
    '1:25: runtimes.a: command has no "{prompt}" to put the prompt in',
  ],
  [
    'runtimes: {a: {command: [x], fields: {text: t}}}',
    '1:30: runtimes.a: fields are read only from output json or json-lines, not from text',
  ],
  ['runtimes: {a: {command: [x], output: json, fields: {txt: t}}}', '1:53: runtimes.a.fields: unknown key "txt"'],
  ['runtimes: {a: {command: [x], secrets: [a b]}}', '1:40: runtimes.a.secrets: "a b" cannot be used here'],
  ['runtimes: {a: {command: [x], memory: much}}', '1:38: runtimes.a.memory: "much" is not a size'],
  ['prices: {m: {input: 1}}', '1:10: prices.m: output is missing'],
  ['prices: {m: {input: -1, output: 1}}', '1:21: prices.m.input: an amount from 0 to 1000000 is expected'],
  ['prices: {m: {input: 1, output: .nan}}', '1:32: prices.m.output: an amount from 0 to 1000000 is expected'],
  ['prices: {m: {input: 1, output: 2, cache-raed: 3}}', '1:35: prices.m: unknown key "cache-raed"'],
  ['workspace: {link: node_modules}', '1:19: workspace.link: a list is expected'],
  ['workspace: {link: [../other]}', '1:20: workspace.link: a path below the top of the repository is expected'],
  ['workspace: {link: [/etc]}', '1:20: workspace.link: a path below the top of the repository is expected'],
  ['workspace: {link: [.git]}', '1:20: workspace.link: a path below the top of the repository is expected'],
  ['workspace: {link: [{path: a, how: hard}]}', '1:35: workspace.link: how is not `copy` or `symlink`'],
  ['workspace: {quota: lots}', '1:20: workspace.quota: "lots" is not a size'],
  ['runtmes: {}', '1:1: unknown setting "runtmes"'],
])('%s is refused at its place', (text, problem) => {
  expect(problems(text)).toEqual([problem]);
});

test('all that is wrong in the sections is told together, with what was probably meant', () => {
  write(PROJECT, 'runtimes: {a: {comand: [x]}}\nprices: {m: 5}\nworkspce: {}\n');
  const result = load();
  const lines = result.ok ? [] : failureLines(result.failure);
  expect(lines.filter(line => line.includes('Did you mean'))).toEqual([
    '  Did you mean "command"?',
    '  Did you mean "workspace"?',
  ]);
});
