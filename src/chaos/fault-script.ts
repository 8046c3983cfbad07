import {shellWord} from '../base/shell-word.ts';
import {type FaultChoice, MAX_FAULTS_OF_A_TASK} from './fault.ts';

/** Above it memory is not taken for real: the machine has other work. */
const MOST_BYTES = 2 ** 30;
/** How long an attempt holds more memory than it may before it dies as if the kernel had ended it. */
const HOLD_SECONDS = 10;
/** What nobody notices ends by itself after so many times the silence that is allowed; the report shows it. */
const UNNOTICED = 10;
const LEAST_SECONDS = 60;
const UNNOTICED_EXIT = 70;

/**
 * The shell script that every task reads before its own begins; any POSIX shell. It draws from the seed, the task and the
 * number of the attempt whether and how this attempt goes wrong, so that a run can be repeated, and writes down what it
 * plays before it does. It signals nothing but its own process group. The task says two things about itself in variables:
 * `_chaos_lies` is 1 where a lie would be found out, and `_chaos_bytes` is the memory that is more than it may have.
 */
export function faultScript({faults, rate, seed, slowMs, silenceMs}: FaultChoice, ledger: string): string {
  const seconds = Math.max(LEAST_SECONDS, Math.round((silenceMs * UNNOTICED) / 1000));
  const kinds = faults.map((fault, index) => `${index}) _chaos_fault=${fault} ;;`).join(' ');
  return `# Written by \`godel chaos\`: lets some attempts go wrong on purpose. Of no use when its team is over.
_chaos_note() {
  _chaos_ms=$(date +%s%3N 2>/dev/null)
  case $_chaos_ms in '' | *[!0-9]*) _chaos_ms=$(date +%s)000 ;; esac
  echo "$GODEL_COOKIE $1 $_chaos_ms" >> ${shellWord(ledger)}
}

_chaos_note start
_chaos_draw=$(printf '%s' "${seed}/$GODEL_TASK_ID/$GODEL_ATTEMPT" | cksum)
_chaos_draw=\${_chaos_draw%% *}
# A checksum of similar texts is similar; what is drawn must not be.
_chaos_draw=$(( ((_chaos_draw ^ (_chaos_draw >> 16)) * 2146121005) & 4294967295 ))
_chaos_draw=$(( ((_chaos_draw ^ (_chaos_draw >> 15)) * 739982445) & 4294967295 ))
_chaos_draw=$(( _chaos_draw ^ (_chaos_draw >> 16) ))
_chaos_fault=
if [ "$GODEL_ATTEMPT" -le ${MAX_FAULTS_OF_A_TASK} ] && [ $((_chaos_draw % 10000)) -lt ${Math.round(rate * 10_000)} ]; then
  case $((_chaos_draw / 10000 % ${faults.length})) in ${kinds} esac
fi

case $_chaos_fault in
  crash)
    # Half way; at its end when it is quicker.
    trap '_chaos_note crash; kill -KILL $$' EXIT
    (sleep 0.$((_chaos_draw / 7 % 5))5; _chaos_note crash; kill -KILL 0) < /dev/null > /dev/null 2>&1 &
    ;;
  hang)
    _chaos_note hang
    sleep ${seconds}
    exit ${UNNOTICED_EXIT}
    ;;
  garbage)
    _chaos_note garbage
    head -c 4096 /dev/urandom
    printf '\\n{"result": nonsense\\n'
    [ "$_chaos_lies" = 1 ] && exit 0
    exit 65
    ;;
  oom)
    _chaos_note oom
    [ "$_chaos_bytes" -gt ${MOST_BYTES} ] && kill -KILL 0
    # What has no end of line is kept as a whole.
    { head -c "$_chaos_bytes" /dev/zero; sleep ${HOLD_SECONDS}; } | tail -n 1 > /dev/null
    kill -KILL 0
    ;;
  slow)
    _chaos_note slow
    _chaos_left=${Math.max(1, Math.round(slowMs / 100))}
    while [ "$_chaos_left" -gt 0 ]; do
      [ $((_chaos_left % 10)) -eq 0 ] && echo 'slow on purpose (godel chaos)' >&2
      sleep 0.1
      _chaos_left=$((_chaos_left - 1))
    done
    ;;
  deaf)
    trap '' TERM HUP INT
    if command -v setsid > /dev/null; then
      setsid sleep ${seconds} < /dev/null > /dev/null 2>&1 &
    else
      sleep ${seconds} < /dev/null > /dev/null 2>&1 &
    fi
    _chaos_note deaf
    sleep ${seconds}
    exit ${UNNOTICED_EXIT}
    ;;
esac
`;
}
