import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {failureOf} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import {type ProjectPaths, secretsFile} from '../project/project-paths.ts';
import type {Log} from './log.ts';
import {looksSecret} from './secret-shapes.ts';

type Environment = Readonly<Record<string, string>>;

const SECRET_NAME =
  /TOKEN|SECRET|PASSW|PASSPHRASE|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL|CONNECTION_STRING|COOKIE|(^|_)(AUTH|PASS|PWD|KEY|DSN)(_|$)/i;
/** The working directory, not a password. */
const NO_SECRET = new Set(['PWD', 'OLDPWD']);
/**
 * Separates what is called a secret or looks like one, by its name or by its value. Being wrong costs nothing: tasks get
 * both parts.
 */
export function splitSecrets(
  env: Environment,
  names: readonly string[] = [],
): {readonly plain: Environment; readonly secrets: Environment} {
  const named = new Set(names);
  const plain: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isSecret = named.has(name) || (SECRET_NAME.test(name) && !NO_SECRET.has(name)) || looksSecret(value);
    (isSecret ? secrets : plain)[name] = value;
  }
  return {plain, secrets};
}

/** The secret values of teams that are not over: in memory, and in the runtime folder (0600) for the next daemon. */
export class SecretStore {
  readonly #paths: ProjectPaths;
  readonly #log: Log;
  readonly #values = new Map<TeamId, Environment>();

  constructor(paths: ProjectPaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
  }

  keep(teamId: TeamId, secrets: Environment): void {
    this.#values.set(teamId, secrets);
    if (Object.keys(secrets).length === 0) return;
    try {
      writeFileSync(secretsFile(this.#paths, teamId), JSON.stringify(secrets), {mode: 0o600});
    } catch (error) {
      this.#log.warn({teamId, error: failureOf(error)}, 'the secrets of a team will not outlive this daemon');
    }
  }

  /** Reads back what a team had before the daemon was restarted; returns the names whose values are lost (a reboot). */
  restore(teamId: TeamId, names: readonly string[]): readonly string[] {
    if (names.length === 0) return [];
    const values = read(secretsFile(this.#paths, teamId));
    this.#values.set(teamId, values);
    return names.filter(name => values[name] === undefined);
  }

  of(teamId: TeamId): Environment {
    return this.#values.get(teamId) ?? {};
  }

  /** Of all of them. */
  values(): readonly string[] {
    return [...this.#values.values()].flatMap(secrets => Object.values(secrets));
  }

  forget(teamId: TeamId): void {
    this.#values.delete(teamId);
    rmSync(secretsFile(this.#paths, teamId), {force: true});
  }
}

function read(file: string): Environment {
  try {
    // Written by `keep` only, in a folder that is ours alone.
    return JSON.parse(readFileSync(file, 'utf8')) as Environment;
  } catch {
    return {};
  }
}
