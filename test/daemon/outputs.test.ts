import {expect, test} from 'vitest';
import {parseOutput, type ReadPart, readOutput} from '../../src/daemon/outputs.ts';

function reading(content: Buffer | null): ReadPart {
  return ({offset, length}) =>
    Promise.resolve({
      ok: true,
      value: {data: content?.subarray(offset, offset + length) ?? Buffer.alloc(0), size: content?.length ?? null},
    });
}

test('lines are what stands between line feeds, without the empty one at the end', () => {
  expect(parseOutput('a\n\nb \u2028c\n', 'lines')).toEqual({ok: true, value: ['a', '', 'b \u2028c']});
  expect(parseOutput('', 'lines')).toEqual({ok: true, value: []});
});

test('JSON is its value; what is no JSON is a failure', () => {
  expect(parseOutput('{"a":[1]}\n', 'json')).toEqual({ok: true, value: {a: [1]}});
  expect(parseOutput('{"a":', 'json')).toMatchObject({ok: false, failure: {reason: 'output-invalid'}});
});

test('a file larger than one part is put together, also where a part ends within a character', async () => {
  const text = 'é'.repeat(1024 * 1024);
  const output = await readOutput({read: reading(Buffer.from(` ${text}`)), file: 'f', kind: 'text', capBytes: 1e9});
  expect(output).toEqual({ok: true, value: ` ${text}`});
});

test('a missing file and one beyond the limit are failures', async () => {
  const missing = await readOutput({read: reading(null), file: 'outputs/list.json', kind: 'json', capBytes: 10});
  expect(missing).toMatchObject({ok: false, failure: {reason: 'foreach-invalid'}});
  const large = await readOutput({read: reading(Buffer.alloc(11)), file: 'f', kind: 'text', capBytes: 10});
  expect(large).toEqual({ok: false, failure: {reason: 'output-too-large', limitBytes: 10}});
});
