import {expect, test} from 'vitest';
import {identityOf, isAlive, ownIdentity, parseStat, processState} from '../../src/os/process-identity.ts';

test('reads a stat line whose program name holds spaces and parentheses', () => {
  const fields = ['S', '1', '42', ...Array.from({length: 16}, (_, index) => String(index)), '987654', 'rest'];
  expect(parseStat(`7 (a) b (c) ${fields.join(' ')}\n`)).toMatchObject({state: 'S', groupId: 42, startTime: '987654'});
});

test('this process lives, and only as itself', () => {
  const own = ownIdentity();
  expect(identityOf(process.pid)).toEqual(own);
  expect(isAlive(own)).toBe(true);
  expect(isAlive({...own, startTime: `${own.startTime}0`})).toBe(false);
  expect(isAlive({...own, bootId: 'another boot'})).toBe(false);
  expect(processState(process.pid)).toMatch(/^[RS]$/);
});

test('a pid that is not taken has no identity', () => {
  expect(identityOf(4_194_304 + 1)).toBeNull();
  expect(processState(4_194_304 + 1)).toBeNull();
});
