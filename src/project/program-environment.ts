type Environment = Readonly<Record<string, string | undefined>>;

const NEEDED = /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TZ|LANG|LC_.*|XDG_.*|NODE_.*)$/;
/** What a task of godel finds in its environment: a daemon started by a task is not part of that task. */
const OF_AN_ATTEMPT = /^GODEL_(COOKIE|TEAM|TASK_ID|AGENT_ID|ATTEMPT|HOST|INPUTS|NEEDS|(ITEM|EXPR)(_.*)?)$/;

/** What the daemon and its hosts keep of the environment of whoever starts them: what programs need, and settings. */
export function programEnvironment(env: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isSetting = name.startsWith('GODEL_') && !OF_AN_ATTEMPT.test(name);
    if (value !== undefined && (isSetting || NEEDED.test(name))) kept[name] = value;
  }
  return kept;
}
