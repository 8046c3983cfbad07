import type {ModelChoice} from '../model/agent.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';

/** `claude`, or `claude/haiku` with its model. The first slash divides: models of some runtimes have slashes too. */
export function modelChoice(text: string): ModelChoice {
  const slash = text.indexOf('/');
  return slash === -1 ? {runtime: text, model: null} : {runtime: text.slice(0, slash), model: text.slice(slash + 1)};
}

/** A `runtime` and a `model` that stand side by side. */
export interface WrittenChoice {
  readonly runtime?: string | undefined;
  readonly model?: string | undefined;
}

/**
 * What is to do a prompt, as far as it is said: what the task says, then the defaults. A default model goes with the
 * default runtime, not with another one.
 */
export function choiceOf(written: WrittenChoice, defaults: WrittenChoice = {}): {runtime?: string; model?: string} {
  const from = written.runtime === undefined ? defaults : written;
  const {runtime, model: inRuntime} = from.runtime === undefined ? {model: null} : modelChoice(from.runtime);
  const model = written.model ?? inRuntime ?? from.model;
  return {...(runtime === undefined ? {} : {runtime}), ...(model === undefined ? {} : {model})};
}

/** Reports a model that is named twice. */
export function checkChoice(
  {runtime, model}: WrittenChoice,
  {path, report}: {path: DocumentPath; report: (problem: Problem) => void},
): void {
  if (model === undefined || runtime?.includes('/') !== true) return;
  const at = [...path, 'model'];
  const message = `${placeName(at)} is named already in \`runtime: ${runtime}\``;
  report({path: at, at: 'key', message, hint: 'remove one of them'});
}
