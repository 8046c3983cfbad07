import {fileURLToPath} from 'node:url';
import {STRATEGY_NAMES, type StrategyName} from '../../src/model/strategy.ts';
import {DEFAULT_SETTINGS} from '../../src/model/autoscale.ts';
import {type Fault, simulate, type SimulationResult} from './balance-simulation.ts';
import {selectionUs} from './selection-time.ts';
import {type Bench, type BenchRow} from './table.ts';

const LOADS = [0.3, 0.7, 0.95];
const FAULTS: readonly Fault[] = ['none', 'failing', 'hanging'];
const SLOTS = [1, 4];
const AGENTS = 50;
const FAULTY = 3;
const TASKS = 40_000;
const SEED = 7;
/** The most that p99 and waste may be, in microseconds by agents and as a share. */
const SELECTION_TARGETS = [
  [50, 50],
  [1000, 200],
  [10_000, 1000],
] as const;
const MOST_WASTED = 0.0015;

/**
 * The strategies of the engine against each other: 50 agents whose speeds differ up to four times, three of them failing at once
 * or hanging, in virtual time. And what one choice costs.
 */
export const balanceBench: Bench = {
  name: 'balance',
  title: 'Choosing agents',
  run: () => Promise.resolve([...selectionRows(), ...scenarioRows()]),
};

function selectionRows(): BenchRow[] {
  return SELECTION_TARGETS.map(([agents, targetUs]) => {
    const us = (name: StrategyName) => selectionUs(name, {agents, choices: Math.round(4000 + 1.25 * agents)});
    const ours = us(DEFAULT_SETTINGS.strategy.name);
    const others = STRATEGY_NAMES.filter(name => name !== DEFAULT_SETTINGS.strategy.name).map(name => ({
      name,
      ...us(name),
    }));
    const anchor = others.find(({name}) => name === 'round-robin') ?? ours;
    return {
      what: `p99 of a choice among ${agents.toLocaleString('en')} agents, CPU`,
      ours: `${ours.p99.toFixed(0)} µs (median ${ours.p50.toFixed(0)})`,
      anchor: others.map(({name, p99}) => `${name} ${p99.toFixed(0)} µs`).join(', '),
      ratio: `${(ours.p99 / anchor.p99).toFixed(1)}×`,
      target: `≤ ${targetUs} µs`,
      met: ours.p99 <= targetUs,
    };
  });
}

function scenarioRows(): BenchRow[] {
  return SLOTS.flatMap(slots => FAULTS.flatMap(fault => LOADS.map(load => scenarioRow({slots, fault, load}))));
}

/** Both figures count: time lost and attempts lost. What leaves out nobody is shown beside them. */
function scenarioRow({slots, fault, load}: {slots: number; fault: Fault; load: number}): BenchRow {
  const run = (name: StrategyName, ejects: 'with' | 'without') => {
    const faulty = fault === 'none' ? 0 : FAULTY;
    return simulate({strategy: {name}, ejects, agents: AGENTS, slots, fault, faulty, load, tasks: TASKS, seed: SEED});
  };
  const results = STRATEGY_NAMES.map(name => ({name, ...run(name, 'with')}));
  const ours =
    results.find(({name}) => name === DEFAULT_SETTINGS.strategy.name) ?? run(DEFAULT_SETTINGS.strategy.name, 'with');
  const others = results.filter(({name}) => name !== DEFAULT_SETTINGS.strategy.name);
  const best = Math.min(...results.map(({p99}) => p99));
  const bare = fault === 'none' ? '' : `; nobody left out ${text(run(DEFAULT_SETTINGS.strategy.name, 'without'))}`;
  return {
    what: `${slots} ${slots === 1 ? 'slot' : 'slots'}, load ${load}, ${fault === 'none' ? 'no fault' : `${FAULTY} ${fault}`}`,
    ours: text(ours),
    anchor: others.map(result => `${result.name} ${text(result)}`).join(', ') + bare,
    ratio: `${(ours.p99 / best).toFixed(2)}× best`,
    target: `≤ 1.15×${fault === 'none' ? '' : `, ${MOST_WASTED * 100} %`}`,
    met: ours.p99 <= best * 1.15 && ours.wasted <= MOST_WASTED,
  };
}

function text({p99, wasted}: SimulationResult): string {
  return wasted === 0 ? p99.toFixed(1) : `${p99.toFixed(1)} (${(wasted * 100).toFixed(2)} %)`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await balanceBench.run());
