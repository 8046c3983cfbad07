import type {AgentError} from './agent-runtime.ts';
import {classify} from './classify.ts';

const STATUS = /(?:"code":|\bcode: |\bstatus: |"status":|with status )\s*(\d{3})\b/g;
const DELAY = /\bretryDelayMs: (\d+)/;
/** Google says "check quota" of every limit. These names are those of the CLI for one that lasts, and of a limit by the day. */
const LASTING = /TerminalQuotaError|PerDay|daily (?:quota|limit)|quota will reset/i;

/** What it failed by: the API's answer as the CLI shows it on standard error, and its exit code, the status modulo 256. */
export function geminiError(text: string, exitCode: number | null): AgentError {
  const status = statusIn(text) ?? statusByExit(exitCode);
  const error = classify({text, status});
  const retryAfterMs = DELAY.exec(text)?.[1];
  if (status !== 429) return error;
  return {
    kind: LASTING.test(text) ? 'quota' : 'throttled',
    retryAfterMs: retryAfterMs === undefined ? retryAfterOf(error) : Number(retryAfterMs),
    detail: error.detail,
  };
}

function retryAfterOf(error: AgentError): number | null {
  return 'retryAfterMs' in error ? error.retryAfterMs : null;
}

function statusIn(text: string): number | null {
  const last = [...text.matchAll(STATUS)].at(-1)?.[1];
  return last === undefined ? null : Number(last);
}

/** Its own exit codes are below 128, those of the API that matter are not. */
function statusByExit(exitCode: number | null): number | null {
  return [400, 401, 403, 429, 500, 503].find(status => status % 256 === exitCode) ?? null;
}
