import {readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {HUB_LIMITS} from '../../src/hub/server/hub-limits.ts';
import {readClientFrame} from '../../src/wire/hub-frame.ts';
import {HUB_ERROR_CODES, clientFrameSchema} from '../../src/wire/hub-protocol.ts';

const page = readFileSync(new URL('../../docs/hub-protocol.md', import.meta.url), 'utf8');
const lines = [...page.matchAll(/^```jsonl\n(.*?)^```$/gms)].flatMap(match => match[1]!.trim().split('\n'));
const said = (mark: '>' | '<') => lines.filter(line => line.startsWith(`${mark} `)).map(line => line.slice(2));
const firstCells = (title: string) => {
  const section = page.split(/^## /m).find(part => part.startsWith(`${title}\n`))!;
  return section
    .split('\n')
    .filter(line => line.startsWith('| `'))
    .map(line =>
      line
        .split('|')
        .map(cell => cell.trim())
        .slice(1, -1),
    );
};
const names = (cell: string) => [...cell.matchAll(/`([\w-]+)`/g)].map(match => match[1]!);
const source = readFileSync(new URL('../../src/wire/hub-protocol.ts', import.meta.url), 'utf8');
const hubTypes = [...source.slice(source.indexOf('export type HubFrame')).matchAll(/readonly type: '(\w+)'/g)].map(
  match => match[1]!,
);

test('every example of a client is a frame, and there is one of each kind', () => {
  for (const line of said('>')) expect(readClientFrame(line)).toMatchObject({ok: true});
  const kinds = said('>').map(line => clientFrameSchema.parse(JSON.parse(line)).type);
  const all = clientFrameSchema.options.map(option => option.shape.type.value);
  expect(all.filter(kind => !kinds.includes(kind))).toEqual([]);
  expect(firstCells('Frames of a client').flatMap(([cell]) => names(cell!))).toEqual(all);
});

test('the frames of the hub are those of the protocol', () => {
  expect(
    firstCells('Frames of the hub')
      .flatMap(([cell]) => names(cell!))
      .toSorted(),
  ).toEqual(hubTypes.toSorted());
  for (const line of said('<')) expect(hubTypes).toContain(Reflect.get(JSON.parse(line) as object, 'type'));
});

test('the errors are those of the protocol', () => {
  expect(firstCells('Errors').flatMap(([cell]) => names(cell!))).toEqual([...HUB_ERROR_CODES]);
});

test('the limits have the values of the program', () => {
  const written = firstCells('Limits').flatMap(([cell, values]) => {
    const numbers = values!.split(', ').map(Number);
    return names(cell!).map((name, index) => [name, numbers[index]]);
  });
  expect(Object.fromEntries(written)).toEqual(HUB_LIMITS);
});
