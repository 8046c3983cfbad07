import {expect, test} from 'vitest';
import {Deadlines} from '../../src/federation/deadlines.ts';
import {teamId} from '../../src/model/ids.ts';

const ONE = teamId(1);

function takeAll(deadlines: Deadlines, nowMs: number): number[] {
  const taken: number[] = [];
  for (let due = deadlines.takeDue(nowMs); due; due = deadlines.takeDue(nowMs)) taken.push(due.atMs);
  return taken;
}

test('a look that is to come later than one that is known is not noted', () => {
  const deadlines = new Deadlines();
  for (const atMs of [30, 50, 30, 10, 20]) deadlines.look({atMs, teamId: ONE, of: 'scale'});
  deadlines.look({atMs: 40, teamId: ONE, of: 'twin'});
  expect(takeAll(deadlines, 100)).toEqual([10, 30, 40]);
});

test('however often a team is looked at soon, a distant look is noted once', () => {
  const deadlines = new Deadlines();
  const distantMs = 1_000_000;
  for (let nowMs = 0; nowMs < 1000; nowMs += 50) {
    deadlines.look({atMs: distantMs + nowMs, teamId: ONE, of: 'scale'});
    deadlines.look({atMs: nowMs + 50, teamId: ONE, of: 'scale'});
    expect(takeAll(deadlines, nowMs + 50)).toEqual([nowMs + 50]);
  }
  expect(takeAll(deadlines, 2 * distantMs)).toEqual([distantMs]);
  expect(deadlines.nextMs()).toBeNull();
});

test('a team that is over is forgotten with all its looks', () => {
  const deadlines = new Deadlines();
  for (const atMs of [30, 10]) deadlines.look({atMs, teamId: ONE, of: 'hour'});
  deadlines.dropTeam(ONE);
  expect(deadlines.nextMs()).toBeNull();
  deadlines.look({atMs: 50, teamId: ONE, of: 'hour'});
  expect(takeAll(deadlines, 100)).toEqual([50]);
});
