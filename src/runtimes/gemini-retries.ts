import {StringDecoder} from 'node:string_decoder';
import type {Activity, AgentError} from './agent-runtime.ts';
import {geminiError} from './gemini-error.ts';

const ATTEMPT = /^Attempt \d+ failed(?: with status \d{3}\.|:).*$/;
const DELAY = /Retrying after (\d+)ms/;
const MAX_LINE = 4096;

export interface GeminiRetries {
  push(chunk: Uint8Array): void;
  /** Why it has tried again last; null: it never did. */
  last(): AgentError | null;
}

/**
 * Finds in its standard error that it tries again: on standard output it is silent for minutes then, and would be taken for
 * stuck.
 */
export function geminiRetries(tell: (activity: Activity) => void): GeminiRetries {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let last: AgentError | null = null;
  return {
    push(chunk) {
      const lines = (rest + decoder.write(Buffer.from(chunk))).split('\n');
      rest = (lines.pop() ?? '').slice(-MAX_LINE);
      for (const line of lines) {
        if (!ATTEMPT.test(line) || line.includes('Max attempts reached')) continue;
        last = geminiError(withStatus(line), null);
        const delay = DELAY.exec(line)?.[1];
        tell({
          kind: 'retry',
          cause: causeOf(last),
          delayMs: delay === undefined ? null : Number(delay),
          detail: last.detail,
        });
      }
    },
    last: () => last,
  };
}

function causeOf({kind}: AgentError): Extract<Activity, {kind: 'retry'}>['cause'] {
  return kind === 'throttled' || kind === 'quota' || kind === 'overloaded' ? kind : 'other';
}

/** Some of these lines have no status but the words that come with it. */
function withStatus(line: string): string {
  return /resource has been exhausted|RESOURCE_EXHAUSTED/i.test(line) ? `${line} (status: 429)` : line;
}
