import {randomBytes} from 'node:crypto';
import {existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {masterKey, type MasterKeySource, readMasterKey} from '../../../src/hub/security/master-key.ts';
import {identityOf} from '../../../src/os/process-identity.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-master-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

const bytes = randomBytes(32);
const texts = [
  bytes.toString('base64'),
  bytes.toString('base64url'),
  bytes.toString('hex'),
  ` ${bytes.toString('hex')}\n`,
];

async function refusal(source: MasterKeySource): Promise<string> {
  const read = await readMasterKey(source);
  if (read.ok) throw new Error('taken');
  return read.failure.message;
}

function fileWith(text: string, mode = 0o600): MasterKeySource {
  const path = join(folder, `key-${randomBytes(4).toString('hex')}`);
  writeFileSync(path, text, {mode});
  return {kind: 'file', path};
}

const shell = (script: string, timeoutMs?: number): MasterKeySource => ({
  kind: 'command',
  command: ['sh', '-c', script],
  ...(timeoutMs === undefined ? {} : {timeoutMs}),
});

test.each(texts)('the key %j is the same from file, environment and command', async text => {
  const sources: MasterKeySource[] = [
    fileWith(text),
    {kind: 'env', name: 'GODEL_MASTER', environment: {GODEL_MASTER: text}},
    {kind: 'command', command: [process.execPath, '-e', `console.log(${JSON.stringify(text)})`]},
  ];
  for (const source of sources) {
    const read = await readMasterKey(source);
    expect(read.ok && read.value.id).toBe(masterKey(bytes).id);
    expect(read.ok && read.value.key.export()).toEqual(bytes);
  }
});

test('a file that others may read, a link, or none at all is refused with the fix', async () => {
  expect(await refusal(fileWith(texts[0]!, 0o644))).toContain('chmod 600');
  expect(await refusal({kind: 'file', path: join(folder, 'none')})).toContain('does not exist');
  expect(await refusal({kind: 'file', path: folder})).toContain('no regular file');
  symlinkSync(join(folder, 'x'), join(folder, 'link'));
  expect(await refusal({kind: 'file', path: join(folder, 'link')})).toContain('must not be a link');
});

test('what is no random key is refused and not repeated', async () => {
  const bad = [
    '',
    'hunter2hunter2',
    bytes.toString('hex').slice(2),
    `${bytes.toString('hex')}00`,
    'ab'.repeat(32),
    'A'.repeat(43),
  ];
  for (const text of bad) {
    const message = await refusal({kind: 'env', name: 'KEY', environment: {KEY: text}});
    expect(message).toContain('openssl rand -base64 32');
    if (text !== '') expect(message).not.toContain(text);
  }
  expect(await refusal({kind: 'env', name: 'KEY', environment: {}})).toContain('KEY');
  expect(() => masterKey(randomBytes(31))).toThrow('32 bytes');
});

test('a command that fails is named with what it said', async () => {
  expect(await refusal(shell('echo "no such secret" >&2; exit 3'))).toMatch(/sh .*ended with 3: no such secret/);
  expect(await refusal({kind: 'command', command: [join(folder, 'none')]})).toContain('could not be started');
  expect(await refusal({kind: 'command', command: []})).toContain('name a program');
  expect(await refusal(shell('exit 0'))).toContain('is no master key');
});

test('a command that never ends is ended with all it has started', async () => {
  const pidFile = join(folder, 'pid');
  const script = `sleep 600 & echo $! > ${pidFile}.new && mv ${pidFile}.new ${pidFile}; wait`;
  expect(await refusal(shell(script, 1500))).toContain('took longer than 1.5 s');
  expect(existsSync(pidFile)).toBe(true);
  await vi.waitFor(() => expect(identityOf(Number(readFileSync(pidFile, 'utf8')))).toBeNull(), {timeout: 5000});
});

test('a command that prints without end is ended', async () => {
  expect(await refusal(shell('yes'))).toContain('printed more than');
  expect(await refusal(shell('yes >&2'))).toContain('printed more than');
});
