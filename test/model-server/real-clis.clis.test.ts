import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, it, onTestFinished} from 'vitest';
import {type Cli, CLIS, setUpFor} from './cli-set-up.ts';
import {fieldsOf} from './conversation.ts';
import {cliFolder, cliOrWhyNot} from './installed-clis.ts';
import {ModelServer} from './model-server.ts';

/** How each CLI is told to do one prompt by hand. */
const COMMANDS: Readonly<Record<Cli, (model: string) => readonly string[]>> = {
  claude: model => ['-p', '--model', model, '--output-format', 'json', '--permission-mode', 'acceptEdits', '--'],
  codex: () => ['exec', '--json', '-s', 'workspace-write', '--skip-git-repo-check'],
  gemini: model => ['-m', model, '-o', 'json', '--approval-mode', 'yolo', '--skip-trust', '-p'],
  opencode: model => ['run', '--format', 'json', '--auto', '--title', 'a task', '-m', model],
  pi: model => ['-p', '--mode', 'json', '--no-session', '--offline', '--model', model],
};

describe.each(CLIS)('%s', cli => {
  const bin = cliFolder(cli);
  it.skipIf(bin === null)(`edits a file as the server tells it to (${cliOrWhyNot(cli)})`, async () => {
    await using server = await ModelServer.start();
    const root = mkdtempSync(join(tmpdir(), 'godel-cli-'));
    onTestFinished(() => rmSync(root, {recursive: true, force: true}));
    const cwd = join(root, 'project');
    mkdirSync(cwd);
    const {env, model} = setUpFor(cli, server.url, root);
    const {code, output} = await run({
      file: join(bin ?? '', cli),
      args: [
        ...COMMANDS[cli](model),
        '[task:t] Please do this:\nEDIT made.txt: by the model\nRUN echo more >> made.txt',
      ],
      cwd,
      env: {PATH: process.env['PATH'] ?? '', HOME: root, ...env},
    });
    expect(code, output).toBe(0);
    expect(readFileSync(join(cwd, 'made.txt'), 'utf8').trim(), output).toContain('by the model');
    const {requests, answered, tokens} = server.ledger.bill('t');
    expect({requests, answered}).toEqual({requests: answered, answered: requests});
    expect(outputTokensIn(output)).toContain(tokens.output);
  });
});

/** Every count of output tokens that stands in the output, and the sum of those of single steps. */
function outputTokensIn(output: string): number[] {
  const counts = [...output.matchAll(/"(?:output|output_tokens|outputTokens|candidates)"\s*:\s*(\d+)/g)].map(
    ([, count]) => Number(count),
  );
  return [...counts, stepsIn(output)];
}

/** pi and opencode say what each message has used, once when it is finished. */
function stepsIn(output: string): number {
  let sum = 0;
  for (const line of output.split('\n').filter(text => text.startsWith('{"type":"'))) {
    const event = fieldsOf(JSON.parse(line));
    const message = fieldsOf(event['message']);
    if (event['type'] === 'message_end') sum += Number(fieldsOf(message['usage'])['output'] ?? 0);
    if (event['type'] === 'step_finish') sum += Number(fieldsOf(fieldsOf(event['part'])['tokens'])['output']);
  }
  return sum;
}

function run(command: {
  file: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}): Promise<{code: number | null; output: string}> {
  return new Promise((resolve, reject) => {
    const {file, args, cwd, env} = command;
    const child = spawn(file, args, {cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true});
    // A negative number is the process group, which holds the CLI's own children too.
    onTestFinished(() => endGroup(child.pid));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', reject).once('close', code => resolve({code, output}));
  });
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
