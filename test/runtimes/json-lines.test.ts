import fc from 'fast-check';
import {expect, test} from 'vitest';
import {type JsonObject, jsonLines} from '../../src/runtimes/json-lines.ts';

function read(chunks: readonly Uint8Array[], options: {maxLineBytes?: number; skip?: readonly string[]} = {}) {
  const objects: JsonObject[] = [];
  const noise: string[] = [];
  const lines = jsonLines(
    {
      object: value => {
        objects.push(value);
      },
      noise: text => {
        noise.push(text);
      },
    },
    options,
  );
  for (const chunk of chunks) {
    lines.push(chunk);
    // As a stream may do with the memory of a chunk that it has given away.
    chunk.fill(0);
  }
  lines.end();
  return {objects, noise};
}

test('lines come out the same however the bytes are cut', () => {
  const value = fc.dictionary(fc.string({unit: 'grapheme'}), fc.oneof(fc.string({unit: 'grapheme'}), fc.integer()));
  const cuts = fc.array(fc.integer({min: 1, max: 9}), {minLength: 1});
  fc.assert(
    fc.property(fc.array(value), cuts, fc.constantFrom('\n', '\r\n'), (values, sizes, end) => {
      const wanted = values.map(each => JSON.parse(JSON.stringify(each)) as JsonObject);
      const bytes = Buffer.from(values.map(each => JSON.stringify(each)).join(end));
      const chunks: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        chunks.push(Uint8Array.from(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(read(chunks)).toEqual({objects: wanted, noise: []});
    }),
  );
});

test('only a line feed ends a line', () => {
  const text = '{"a":"x\u2028y\u2029z\u0085"}\n';
  expect(read([Buffer.from(text)]).objects).toEqual([{a: 'x\u2028y\u2029z\u0085'}]);
});

test('what is no object is noise, and empty lines are nothing', () => {
  const {objects, noise} = read([Buffer.from('hello\n\n  \n{"a":1}\n[1]\n42\nnull\n{broken\n')]);
  expect(objects).toEqual([{a: 1}]);
  expect(noise).toEqual(['hello', '[1]', '42', 'null', '{broken']);
});

test('a line over the limit is reported once, short, and the next ones are read', () => {
  const long = Buffer.from(`{"a":"${'x'.repeat(10_000)}"}\n{"b":1}\n`);
  const {objects, noise} = read([long.subarray(0, 700), long.subarray(700, 5000), long.subarray(5000)], {
    maxLineBytes: 500,
  });
  expect(objects).toEqual([{b: 1}]);
  expect(noise).toHaveLength(1);
  expect(noise[0]).toMatch(/^a line of more than 500 bytes was dropped: \{"a":"x/);
});

test('lines with a prefix to skip are not looked into', () => {
  const text = '{"type":"piece" broken\n{"type":"whole"}\n';
  expect(read([Buffer.from(text)], {skip: ['{"type":"piece"']})).toEqual({objects: [{type: 'whole'}], noise: []});
});

test('a line without its end is one when the output is over', () => {
  expect(read([Buffer.from('{"a":'), Buffer.from('1}')]).objects).toEqual([{a: 1}]);
});
