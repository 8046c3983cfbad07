import {expect, test} from 'vitest';
import {readEarlyOptions} from '../../src/cli/global-options.ts';
import {buildProgram} from '../../src/cli/program.ts';
import {scaleRequestOf, scalingOfSpawn} from '../../src/cli/scale-options.ts';
import {scaledLines} from '../../src/cli/scale-team.ts';
import {DEFAULT_AUTOSCALE, DEFAULT_SETTINGS} from '../../src/model/autoscale.ts';
import {GodelError} from '../../src/model/failure.ts';
import {failureText} from '../../src/model/failure-text.ts';
import {fabricatedView} from '../tui/fabricated-view.ts';

/** The options as commander reads them from a command line. */
async function optionsOf(line: string): Promise<object> {
  let options: object = {};
  const program = buildProgram(() => Promise.resolve());
  const words = readEarlyOptions(line.split(' ')).args;
  const command = program.commands
    .find(each => each.name() === words[0])
    ?.commands.find(each => each.name() === words[1]);
  command?.action((...args: unknown[]) => {
    options = args.find(each => typeof each === 'object' && each !== null && !Array.isArray(each)) ?? {};
  });
  await program.parseAsync(words, {from: 'user'});
  return options;
}

const scale = async (line: string) => scaleRequestOf(await optionsOf(`team scale ${line}`));
const spawn = async (line: string) => scalingOfSpawn(await optionsOf(`team spawn ${line}`));

test.each([
  ['--count 20', {count: 20}],
  ['audit --count 0 --group reviewer', {count: 0, group: 'reviewer'}],
  ['--autoscale on', {autoscale: {}}],
  ['--autoscale on --min 2 --max 50', {autoscale: {min: 2, max: 50}}],
  ['--max 80 --max-cost-per-hour 10', {autoscale: {max: 80, maxCostPerHour: 10}}],
  [
    '--idle 30s --scale-up-threshold 3 --scale-down-threshold 0.5',
    {autoscale: {idleMs: 30_000, scaleUpThreshold: 3, scaleDownThreshold: 0.5}},
  ],
  ['--autoscale off', {autoscale: 'off'}],
  ['--autoscale off --count 3', {count: 3, autoscale: 'off'}],
  ['--strategy peak-ewma', {strategy: {name: 'peak-ewma'}}],
  ['--weights speed=3,cost=1', {strategy: {name: 'weighted', weights: {speed: 3, cost: 1, reliability: 0}}}],
])('team scale %s asks for %j', async (line, request) => {
  expect(await scale(line)).toEqual(request);
});

test.each([
  ['', 'nothing is said to be changed'],
  ['--group a', 'so it needs --count'],
  ['--count 3 --max 5', '--count and auto-scaling exclude each other'],
  ['--count 3 --autoscale on', '--count and auto-scaling exclude each other'],
  ['--autoscale off --min 1', '--autoscale off excludes'],
  ['--min 5 --max 2', '--min 5 is more than --max 2'],
  ['--strategy round-robin --weights speed=1', '--weights is for --strategy weighted'],
  ['--weights speed', 'weights such as speed=3,cost=1,reliability=2'],
  ['--weights speed=0', 'at least one of them more than 0'],
  ['--scale-down-threshold 2', 'a number from 0 to 1'],
  ['--count -1', 'at least 0'],
])('team scale %s is refused', async (line, why) => {
  const error = await scale(line).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(GodelError);
  expect(failureText((error as GodelError).failure)).toContain(why);
});

test('spawning says how the team scales, and needs --autoscale for it', async () => {
  expect(await spawn('--count 2')).toEqual({});
  expect(await spawn('--autoscale --min 2 --max 50 --on-budget pause --strategy least-connections')).toEqual({
    autoscale: {min: 2, max: 50},
    strategy: {name: 'least-connections'},
    onBudget: 'pause',
  });
  const error = await spawn('--count 2 --max 9').catch((thrown: unknown) => thrown);
  expect(failureText((error as GodelError).failure)).toContain('without --autoscale');
});

test('what was changed is said in a line each', () => {
  const view = fabricatedView({agents: {...fabricatedView().agents, ready: 4, starting: 0}});
  const {team} = view;
  expect(scaledLines(view, {count: 1, group: 'reviewer'})).toEqual([
    `Team ${team} is to have 1 agent of the group reviewer: 4 agents ready just now.`,
  ]);
  expect(scaledLines(view, {autoscale: {min: 2, max: 50}, strategy: {name: 'weighted'}})).toEqual([
    `Team ${team} grows and shrinks with its work between 2 and 50 agents: 4 agents ready just now.`,
    `Team ${team} chooses its agents by weighted from now on.`,
  ]);
  expect(scaledLines(view, {autoscale: 'off'})).toEqual([`Team ${team} keeps the agents it has.`]);
  expect(scaledLines(view, {autoscale: 'off', count: 4})).toEqual([
    `Team ${team} is to have 4 agents: 4 agents ready just now.`,
  ]);
  // A lower limit above the upper one has taken that along, and neither is left unsaid.
  const autoscale = {...DEFAULT_AUTOSCALE, min: 60, max: 60};
  const moved = {...view, settings: {...DEFAULT_SETTINGS, autoscale}};
  expect(scaledLines(moved, {autoscale: {min: 60}})[0]).toContain('between 60 and 60 agents');
});
