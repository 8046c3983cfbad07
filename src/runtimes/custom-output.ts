import type {JsonValue} from '../base/json.ts';
import type {CustomRuntime} from '../model/agent-settings.ts';
import type {AgentError, AgentEvents, AgentResult, AgentRun, AgentUsage} from './agent-runtime.ts';
import {classify} from './classify.ts';
import {countField, field, textField} from './json-field.ts';
import {type JsonObject, jsonLines, objectOf} from './json-lines.ts';
import type {PriceOverrides} from './prices.ts';
import {totalSpent} from './spending.ts';
import {textTail} from './text-tail.ts';

/** Of an answer that is no JSON, or one JSON value, this much is kept. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

interface Context {
  readonly custom: CustomRuntime;
  readonly model: string | null;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
}

type Fields = CustomRuntime['fields'];

/** What was found in the output; of a field that comes more than once, the last counts. */
interface Facts {
  text: string | null;
  error: JsonValue | undefined;
  inputTokens: number | null;
  outputTokens: number | null;
  usd: number | null;
}

/** Understands what a custom runtime prints, by the fields that the configuration names. */
export function customOutput(context: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const {custom, events} = context;
  const stderr = textTail();
  const facts: Facts = {text: null, error: undefined, inputTokens: null, outputTokens: null, usd: null};
  const read = (value: JsonObject) => {
    readFacts(value, custom.fields, {facts, events});
    // Whoever hears of usage takes it for an answer of the provider.
    const {outputTokens, error} = facts;
    if (outputTokens !== null && !isError(error)) events.activity({kind: 'usage', usage: usageOf(facts, context)});
  };
  const output = custom.output === 'json-lines' ? linesOutput(read, events) : wholeOutput(custom, read, facts);
  return {
    stdout: output.push,
    stderr: stderr.push,
    ended(exit): AgentResult {
      const problem =
        output.end() ?? (custom.fields.text !== undefined && facts.text === null ? 'it gave no answer' : null);
      const error = errorOf({...exit, stderr: stderr.text()}, facts, problem);
      const usage = usageOf(facts, context);
      return {result: error === null ? {ok: true} : {ok: false, error}, text: facts.text ?? '', usage, denied: []};
    },
  };
}

interface Output {
  readonly push: (chunk: Uint8Array) => void;
  /** What is wrong with the form of the output; null: nothing. */
  readonly end: () => string | null;
}

function linesOutput(read: (value: JsonObject) => void, events: Context['events']): Output {
  let found = false;
  const lines = jsonLines({
    object: value => {
      found = true;
      read(value);
    },
    noise: text => {
      events.activity({kind: 'noise', text});
    },
  });
  return {
    push: lines.push,
    end: () => {
      lines.end();
      return found ? null : 'no line of its output is a JSON object';
    },
  };
}

function wholeOutput({output}: CustomRuntime, read: (value: JsonObject) => void, facts: Facts): Output {
  const answer = textTail(MAX_ANSWER_BYTES);
  return {
    push: answer.push,
    end: () => {
      const text = answer.text();
      if (output === 'text') {
        facts.text = text;
        return text === '' ? 'it has said nothing' : null;
      }
      // Programs like to say something before their answer.
      const value = objectOf(text) ?? objectOf(text.slice(text.lastIndexOf('\n') + 1));
      if (value === null) return `its output is no JSON object: ${text.slice(0, 200)}`;
      read(value);
      return null;
    },
  };
}

function readFacts(
  value: JsonObject,
  fields: Fields,
  {facts, events}: {facts: Facts; events: Context['events']},
): void {
  const session = textField(value, ...pathOf(fields.session));
  if (fields.session !== undefined && session !== null) events.activity({kind: 'session', id: session});
  const text = textField(value, ...pathOf(fields.text));
  if (fields.text !== undefined && text !== null && text !== '') {
    facts.text = text;
    events.activity({kind: 'message', text});
  }
  for (const name of ['inputTokens', 'outputTokens', 'usd'] as const) {
    const count = fields[name] === undefined ? null : countField(value, ...pathOf(fields[name]));
    facts[name] = count ?? facts[name];
  }
  const error = fields.error === undefined ? undefined : field(value, ...pathOf(fields.error));
  if (error !== undefined) facts.error = error;
}

function pathOf(path: string | undefined): readonly string[] {
  return path?.split('.') ?? [];
}

function usageOf({inputTokens, outputTokens, usd}: Facts, {custom, model, prices}: Context): AgentUsage {
  const tokens = {inputTokens, outputTokens, cacheReadTokens: null, cacheWriteTokens: null};
  const spent = {model: model ?? '', ...tokens, usd};
  return totalSpent([spent], {runtime: custom.name, prices});
}

function errorOf(
  {exitCode, signal, stderr}: {exitCode: number | null; signal: string | null; stderr: string},
  facts: Facts,
  problem: string | null,
): AgentError | null {
  const {error} = facts;
  if (isError(error)) {
    return classify({text: typeof error === 'string' ? error : JSON.stringify(error)});
  }
  if (signal !== null) return {kind: 'crashed', detail: `it ended with ${signal}${stderr === '' ? '' : `: ${stderr}`}`};
  if (exitCode !== 0)
    return classify({text: `it ended with exit code ${exitCode ?? '?'}: ${stderr || (facts.text ?? '')}`});
  return problem === null ? null : {kind: 'bad-output', detail: problem};
}

function isError(error: JsonValue | undefined): boolean {
  return error !== undefined && error !== null && error !== false && error !== '';
}
