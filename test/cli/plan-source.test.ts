import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {Cli} from '../../src/cli/cli.ts';
import {collectInput} from '../../src/cli/input-option.ts';
import {readEnvFiles} from '../../src/cli/env-files.ts';
import {planSource} from '../../src/cli/plan-source.ts';
import {failureOf} from '../../src/model/failure.ts';
import {failureText} from '../../src/model/failure-text.ts';
import {runCli} from './fake-world.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-plan-source-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

/** Only what a plan from a file needs of it. */
const cli = (cwd: string) => ({cwd, print: {note: () => undefined}}) as unknown as Cli;

function refusal(act: () => unknown): string {
  try {
    return JSON.stringify(act());
  } catch (error) {
    return failureText(failureOf(error));
  }
}

describe('--input', () => {
  it('is a name and a value, once for each', () => {
    expect(collectInput('b= x=y ', collectInput('a='))).toEqual({a: '', b: ' x=y '});
    expect(refusal(() => collectInput('a'))).toBe(
      '--input a is not NAME=VALUE. Write --input NAME=VALUE, for example --input region=eu.',
    );
    expect(refusal(() => collectInput('=a'))).toContain('--input =a is not NAME=VALUE.');
    expect(refusal(() => collectInput('a=2', {a: '1'}))).toBe('--input gives a two values. Leave one of them out.');
  });
});

describe('a plan with inputs, secrets and an env file', () => {
  it('becomes a document with its inputs chosen, and variables from beside the plan', async () => {
    mkdirSync(join(folder, 'plans'));
    const file = join(folder, 'plans', 'godel.yaml');
    writeFileSync(
      file,
      'version: 1\ninputs: {a: {}}\nenv-file: [.env, more.env]\nsecrets: [OTHER, B]\ntasks: {t: {run: x}}',
    );
    writeFileSync(join(folder, 'plans', '.env'), 'A=1\nB=2\n');
    writeFileSync(join(folder, 'plans', 'more.env'), 'B=3');
    const source = await planSource(cli(folder), {plan: file, input: {a: 'chosen'}});
    expect(source).toMatchObject({
      document: {inputs: {a: 'chosen'}},
      env: {A: '1', B: '3'},
      secretNames: ['A', 'B', 'OTHER'],
    });
    await expect(planSource(cli(folder), {plan: file})).rejects.toMatchObject({
      failure: {reason: 'plan-invalid', problems: [{message: 'input `a` has no value'}]},
    });
    await expect(planSource(cli(folder), {each: 'x', input: {a: '1'}})).rejects.toMatchObject({
      failure: {message: '--input is for the inputs of a plan, so it needs --plan'},
    });
  });

  it('is checked without them, and its agents and prompts are counted', async () => {
    const text =
      'version: 1\ninputs: {a: {}}\nenv-file: none.env\nagents: {coder: {count: 20, runtime: pi}, tester: {count: 10}}\ntasks: {t: {prompt: x, review: true}, u: {run: x, matrix: {os: [a, b]}, needs: t}}';
    writeFileSync(join(folder, 'godel.yaml'), text);
    const file = join(folder, 'godel.yaml');
    const {code, stdout, stderr} = await runCli(['plan', 'check', file], {cwd: folder});
    expect({code, stdout, stderr}).toEqual({
      code: 0,
      stdout: `${file}: 2 tasks, 1 prompt, 1 with review, 1 with foreach, 1 needs, agents: 20 coder, 10 tester; no problems.\n`,
      stderr: '',
    });
  });
});

describe('an env file', () => {
  const read = (text: string | Buffer) => {
    writeFileSync(join(folder, '.env'), text);
    return readEnvFiles(['.env'], folder);
  };

  it('has a variable on each line, or on several in quotes', () => {
    expect(
      read(
        '\ufeff# comment\r\n\r\nA=1\r\nexport B = two words \r\nC="x\ny # no comment" # comment\nD=\'a"b\'\nE=`"\'`\nF=\nG=1 # comment\n  # c\nH="#"\n',
      ),
    ).toEqual({A: '1', B: 'two words', C: 'x\ny # no comment', D: 'a"b', E: '"\'', F: '', G: '1', H: '#'});
  });

  it.each([
    ['A=1\nnonsense\n', '.env:2: this is not NAME=value. A comment begins with #.'],
    ['A=1\n\n1B=2', '.env:3: this is not NAME=value. A comment begins with #.'],
    ['A="1\nB=2\n', '.env:1: the quote " of A is not closed.'],
    ['A=pass#word', '.env:1: the value of A has a # and no quotes, so it would end there. Put it in quotes.'],
    ['GODEL_TEAM=x', '.env:1: GODEL_TEAM: names that begin with GODEL_ are reserved.'],
    [`A=1\nB=${'x'.repeat(102_401)}`, '.env:2: the value of B has more than 100 KiB.'],
    [Buffer.alloc(1024 * 1024 + 1, 0x23), '.env: the env file is larger than 1 MiB.'],
    [
      Array.from({length: 501}, (_, index) => `A${index}=`).join('\n'),
      '.env: with this env file there are 501 variables; at most 500 fit.',
    ],
    ['A=\0', '.env: the env file is not text: it has a NUL byte.'],
  ])('is refused when it is none: %j', (text, sentence) => {
    expect(refusal(() => read(text))).toBe(sentence);
  });

  it('must be there, and be a file', () => {
    expect(refusal(() => readEnvFiles(['no.env'], folder))).toBe(
      'no.env: the env file of the plan does not exist. Make it, or remove `env-file` from the plan.',
    );
    expect(refusal(() => readEnvFiles(['.'], folder))).toBe('.: the env file is a folder.');
  });
});
