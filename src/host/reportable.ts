import type {AttemptOutcome} from '../model/attempt.ts';
import type {Failure} from '../model/failure.ts';
import type {Redaction} from './redaction.ts';

/** More is not read by anybody, and a report has to fit into a message together with many others. */
const MAX_WARNINGS = 20;
const MAX_WARNING_CHARACTERS = 1000;
const FREE_TEXT = new Set(['detail', 'tail', 'message', 'hint', 'command']);

/** What may be told of an outcome: without the values of secrets, and within the limits of a report. */
export function reportable(outcome: AttemptOutcome, redaction: Redaction): AttemptOutcome {
  const {result, warnings, verdict} = outcome;
  const clean = (text: string) => redaction.text(text);
  return {
    ...outcome,
    result: result.ok ? result : {ok: false, failure: withoutSecrets(result.failure, redaction)},
    ...(warnings && {
      warnings: warnings.slice(0, MAX_WARNINGS).map(text => clean(text).slice(0, MAX_WARNING_CHARACTERS)),
    }),
    ...(verdict && {verdict: {...verdict, comments: clean(verdict.comments)}}),
  };
}

/** Only free text: a secret may be a word like `crashed`, and a failure must stay the failure that it is. */
function withoutSecrets(failure: Failure, redaction: Redaction): Failure {
  const entries = Object.entries(failure).map(([key, value]: [string, unknown]) => [
    key,
    FREE_TEXT.has(key) && typeof value === 'string' ? redaction.text(value) : value,
  ]);
  // The same keys with values of the same types.
  return Object.fromEntries(entries) as Failure;
}
