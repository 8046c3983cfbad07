import type {AgentError, AgentRun} from './agent-runtime.ts';
import {classify} from './classify.ts';

export type Exit = Parameters<AgentRun['ended']>[0];

/** A program that has ended without a word of how its work went: by a signal, or by what it wrote to standard error. */
export function endedEarly(program: string, {exitCode, signal}: Exit, stderr: string): AgentError {
  const end = `${program} ended with ${signal ?? `exit code ${exitCode ?? '?'}`}`;
  if (signal !== null) return {kind: 'crashed', detail: end};
  if (exitCode === 0) return {kind: 'bad-output', detail: `${program} ended without an answer`};
  if (stderr === '') return {kind: 'crashed', detail: end};
  return classify({text: `${end}: ${stderr}`});
}
