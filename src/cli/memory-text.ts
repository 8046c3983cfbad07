import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import {plural} from '../base/amount.ts';
import {formatSize} from '../base/size.ts';
import type {
  AtHub,
  FoundMemory,
  MemoryAnswer,
  MemoryHubStats,
  MemoryStats,
  MemoryView,
} from '../api/memory-contract.ts';
import type {EpisodeState, RecallWhy} from '../model/episode.ts';
import {timeText} from './hub-options.ts';
import type {Print} from './print.ts';

const MAX_LINE = 1000;
const MAX_LINES = 400;

/** What was found, the best first: two lines each, and with `why` a third. Texts are of attempts, so nothing of them steers a terminal. */
export function foundLines({from, memories}: MemoryAnswer, print: Print, nowMs: number): readonly string[] {
  if (memories.length === 0) return [`Nothing of the ${from} has to do with it.`];
  return [
    ...memories.flatMap((memory, index) => foundEntry(memory, {print, number: index + 1, nowMs})),
    print.style('dim', `${plural(memories.length, 'memory', 'memories')} from the ${from}`),
  ];
}

function foundEntry(
  {why, ...memory}: FoundMemory,
  {print, number, nowMs}: {print: Print; number: number; nowMs: number},
): readonly string[] {
  const {episode, state} = memory;
  const remark = lastWords(state.critique ?? episode.output);
  return [
    `${number}. ${headLine(memory, print, nowMs)}`,
    `   ${oneLine(episode.task)}`,
    ...(remark === '' ? [] : [`   ${print.style('dim', remark)}`]),
    ...(why === undefined ? [] : [`   ${whyText(why)}`, `   ${stateText(state)}`]),
  ];
}

function headLine({episode, atMs}: MemoryView, print: Print, nowMs: number): string {
  const outcome = episode.success ? print.style('green', 'succeeded') : print.style('red', 'failed');
  const age = atMs === null ? 'at an unknown time' : `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
  const id = print.style('bold', oneLine(episode.id));
  return `${id}  ${outcome}  reward ${rounded(episode.reward)}  ${age}  ${oneLine(episode.agentId)}`;
}

/** Ranks from 1, and by how much of itself what speaks for it has raised the score. */
function whyText({text, vector, recency, reward, terms}: RecallWhy): string {
  const rank = (place: number | null) => (place === null ? '–' : `#${place}`);
  const words =
    terms.length === 0
      ? 'none'
      : terms
          .slice(0, 20)
          .map(term => oneLine(term, 50))
          .join(', ');
  const raised = `recency ${percent(recency)}, reward and opinion ${percent(reward)}`;
  return `by text ${rank(text)}, by vector ${rank(vector)}; ${raised}; words: ${words}`;
}

export function stateText({up, down, uses, confirmed, refuted, standing}: EpisodeState): string {
  const votes = `votes +${up} −${down}`;
  return `${standing}; used ${plural(uses, 'time')}; borne out by ${confirmed}, refuted by ${refuted}; ${votes}`;
}

/** One memory with everything that it has. */
export function memoryLines(memory: MemoryView, print: Print, nowMs: number): readonly string[] {
  const {episode, state} = memory;
  const {sessionId, task, input, output, expiresAtMs} = episode;
  const section = (title: string, text: string | null) =>
    text === null || text === '' ? [] : ['', print.style('bold', title), ...textLines(text)];
  return [
    headLine(memory, print, nowMs),
    `  ${stateText(state)}`,
    ...(state.tags.length === 0 ? [] : [`  tags: ${state.tags.map(tag => oneLine(tag)).join(', ')}`]),
    ...(sessionId === null ? [] : [`  session: ${oneLine(sessionId)}`]),
    ...(expiresAtMs === null ? [] : [`  forgotten after ${timeText(expiresAtMs)}`]),
    ...section('Task', task),
    ...section('Given', input),
    ...section('Put out', output),
    ...section('Remark', state.critique),
  ];
}

function textLines(text: string): readonly string[] {
  const lines = text.split('\n').map(line => `  ${oneLine(line, MAX_LINE)}`.trimEnd());
  if (lines.length <= MAX_LINES) return lines;
  return [...lines.slice(0, MAX_LINES), `  … and ${plural(lines.length - MAX_LINES, 'more line')}: --json has all`];
}

export function statsLines(stats: MemoryStats, print: Print): readonly string[] {
  const {episodes, active, quarantined, forgotten, succeeded, successRate, meanReward, agents} = stats;
  const {bytes, file, pending, refused, hub} = stats;
  const row = (name: string, value: string) => `${name.padEnd(10)}${value}`;
  const rate = successRate === null ? 'none to tell of' : `${succeeded} of ${episodes} (${percent(successRate)})`;
  const mean = meanReward === null ? '' : `, mean reward ${rounded(meanReward)}`;
  const left = refused === 0 ? '' : `; the hub does not take ${plural(refused, 'memory', 'memories')}`;
  return [
    row('episodes', `${episodes}: ${active} active, ${quarantined} quarantined; ${forgotten} forgotten`),
    row('succeeded', `${rate}${mean}`),
    row(
      'agents',
      agents === 0 ? 'none' : `${agents}: ${named(stats.topAgents.map(({agent, episodes: count}) => [agent, count]))}`,
    ),
    row('tags', named(stats.topTags.map(({tag, episodes: count}) => [tag, count])) || 'none'),
    row('file', `${file}, ${bytes === null ? 'size unknown' : formatSize(bytes)}`),
    row('hub', hub === null ? 'none' : hubText(hub)),
    ...(hub === null ? [] : [row('', `at position ${hub.position}; ${pending} to be sent${left}`)]),
    ...(hub?.error ? [row('', oneLine(hub.error))] : []),
    ...(stats.mostUsed.length === 0 ? [] : ['', print.style('bold', 'Used most')]),
    ...stats.mostUsed.map(
      ({id, task, uses}) => `  ${plural(uses, 'time').padEnd(11)}${oneLine(id)}  ${oneLine(task, 80)}`,
    ),
  ];
}

function hubText({connected, url, agentId, role, episodes, agents, unembedded}: MemoryHubStats): string {
  const where = url ?? 'not found yet';
  if (!connected) return `${where}, not connected`;
  const lag = unembedded === null || unembedded === 0 ? '' : `, ${unembedded} found by their words alone so far`;
  const has =
    episodes === null ? '' : `; it has ${plural(episodes, 'episode')}${lag}, ${plural(agents ?? 0, 'agent')} there`;
  return `${where}, connected as ${agentId ?? 'somebody'} (${role ?? 'role unknown'})${has}`;
}

function named(counts: readonly (readonly [string, number])[]): string {
  const shown = counts.slice(0, 8).map(([name, count]) => `${oneLine(name, 40)} ${count}`);
  return `${shown.join(', ')}${counts.length > shown.length ? ', …' : ''}`;
}

/** What has become of a change beyond this project, as the end of a sentence about it. */
export function hubNote(hub: AtHub): string {
  return hub === 'waiting' ? ' It is kept here, and not at the hub yet: the hub is told when it answers.' : '';
}

function lastWords(text: string): string {
  return oneLine(text, 160);
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function rounded(reward: number): string {
  return String(Math.round(reward * 100) / 100);
}
