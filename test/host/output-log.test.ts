import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import {OutputLog} from '../../src/host/output-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'godel-log-'));
afterEach(() => rmSync(folder, {recursive: true, force: true}));

test('is made with the first byte, in a folder made for it', () => {
  const file = join(folder, 'logs', 'a', '1.log');
  const log = new OutputLog({file, capBytes: 100});
  expect(existsSync(file)).toBe(false);
  expect(log.write(Buffer.from('hello\n'))).toEqual({ok: true, value: undefined});
  log.close();
  expect(readFileSync(file, 'utf8')).toBe('hello\n');
});

test('is cut at its limit, says so once, and still knows the end', () => {
  const file = join(folder, '2.log');
  const log = new OutputLog({file, capBytes: 8});
  for (const part of ['1234', '56789', 'abc', 'the end\n']) log.write(Buffer.from(part));
  log.close();
  expect(readFileSync(file, 'utf8')).toBe('12345678\n[godel: log cut here: it reached its limit of 8 bytes]\n');
  expect(log.tail).toBe('123456789abcthe end');
});

test('the end is some two kilobytes of whole lines, in whatever pieces they came', () => {
  const log = new OutputLog({file: join(folder, '3.log'), capBytes: 0});
  const text = Array.from({length: 1000}, (_, index) => `line ${index}\n`).join('');
  for (let offset = 0; offset < text.length; offset += 7) log.write(Buffer.from(text.slice(offset, offset + 7)));
  const whole = new OutputLog({file: join(folder, '4.log'), capBytes: 0});
  whole.write(Buffer.from(text));
  expect(log.tail).toBe(whole.tail);
  expect(log.tail.length).toBeLessThanOrEqual(2048);
  expect(log.tail).toMatch(/^line \d+\n[^]*line 999$/);
  expect(log.lastLine).toBe('line 999');
});

test('the end of a step has nothing of the step before, also when that was long', () => {
  const log = new OutputLog({file: join(folder, '5.log'), capBytes: 0});
  log.write(Buffer.from('error: of the first\n'));
  log.beginStep();
  expect(log.tail).toBe('');
  expect(log.lastLine).toBe('error: of the first');
  log.write(Buffer.from('second\n'));
  expect(log.tail).toBe('second');
  log.beginStep();
  for (let line = 0; line < 300; line++) log.write(Buffer.from(`${'x'.repeat(line % 20)}\n`));
  log.write(Buffer.from('third\n'));
  expect(log.tail).toMatch(/^x*\n[^]*\nthird$/);
  expect(log.tail).not.toContain('second');
});
