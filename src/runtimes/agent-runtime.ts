import type {AgentErrorKind} from '../model/failure.ts';
import type {ProviderSignalKind} from '../model/provider.ts';
import type {Usage} from '../model/usage.ts';

/** A coding-agent CLI: how it is found, started and understood. It starts nothing itself but for `detect`. */
export interface AgentRuntime {
  /** As it is called with `--runtime`. */
  readonly name: string;
  /** Environment variables with secrets that it may need, for example `ANTHROPIC_API_KEY`. */
  readonly secrets: readonly string[];
  /** Memory that one of it takes while it waits for its model, in bytes, as measured; null: nobody has. */
  readonly memoryBytes: number | null;
  /** Whether it can be used here, found out by running it. Never asks a model anything. */
  detect(env: Environment): Promise<Detection>;
  /** How to do one prompt. Called once for each attempt; `events` is used until `ended` has been answered. */
  begin(request: AgentRequest, events: AgentEvents): AgentRun;
}

export type Environment = Readonly<Record<string, string>>;

export type Detection =
  | {
      readonly found: true;
      /** Absolute path of the program. */
      readonly file: string;
      readonly version: string;
      /** yes: it has credentials, which may still be refused. unknown: only a request would tell. */
      readonly login: 'yes' | 'no' | 'unknown';
      /** For people: where the credentials come from, or how to log in. */
      readonly loginDetail: string;
      /** What somebody should know, for example that this version is older than any tried. */
      readonly warnings: readonly string[];
    }
  | {readonly found: false; readonly detail: string /** How to get it. */; readonly hint: string};

export interface AgentRequest {
  readonly prompt: string;
  readonly model: string | null;
  /** Absolute path of the folder it works in. */
  readonly cwd: string;
  /** What it will be started with, before `AgentRun.env`. */
  readonly env: Environment;
  /** The session to go on with; null: a new one. */
  readonly resume: string | null;
  /** What it may do beyond reading and writing files in `cwd`; see `allow.ts`. */
  readonly allow: readonly string[];
  /** It must change nothing. */
  readonly readOnly: boolean;
  /** What it may use; a runtime that can hold itself to it does so, the host does in any case. */
  readonly maxUsd: number | null;
  /** An empty folder outside of `cwd` for settings and the like; removed afterwards. */
  readonly scratch: string;
}

export interface AgentRun {
  readonly file: string;
  readonly args: readonly string[];
  /** On top of the environment of the request. */
  readonly env: Environment;
  /**
   * `closed`: standard input is not there. `all`: this is written and nothing follows, so it ends there; a prompt goes this
   * way, since an argument may be neither long nor begin with a dash. `first`: it stays open, and `events.send` may add.
   */
  readonly stdin: 'closed' | {readonly all: string} | {readonly first: string};
  /** Bytes as they come; a chunk may end anywhere. */
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
  /** Asks it to stop in its own way (an ACP `session/cancel`, for example); signals follow. */
  cancel?(): void;
  /** The program has ended and its output is complete: what has come of it. Called once, and last. */
  ended(exit: {readonly exitCode: number | null; readonly signal: string | null}): AgentResult;
}

export interface AgentEvents {
  activity(activity: Activity): void;
  /** Writes to standard input. */
  send(text: string): void;
  /** The task is done, or given up: a program that would stay is to be ended now. `ended` follows. */
  done(): void;
}

/** What an agent does, whatever it is. Texts are as it gave them: not yet shortened, nor free of secrets. */
export type Activity =
  | {readonly kind: 'session'; readonly id: string}
  | {readonly kind: 'message'; readonly text: string}
  | {readonly kind: 'tool'; readonly name: string; readonly detail: string}
  | {readonly kind: 'edit'; readonly path: string}
  | {readonly kind: 'permission'; readonly what: string; readonly granted: boolean}
  /** It has met a limit or a fault of the provider and tries again by itself: it is not stuck. */
  | {
      readonly kind: 'retry';
      readonly cause: Exclude<ProviderSignalKind, 'ok'> | 'other';
      readonly delayMs: number | null;
      readonly detail: string;
    }
  /** What it has used so far in all. */
  | {readonly kind: 'usage'; readonly usage: AgentUsage}
  /** A line that could not be understood. */
  | {readonly kind: 'noise'; readonly text: string};

/** What it has cost: USD as it says or by the price of the model; null is unknown. */
export type AgentUsage = Omit<Usage, 'cpuSeconds' | 'maxRssBytes'>;

export interface AgentResult {
  readonly result: {readonly ok: true} | {readonly ok: false; readonly error: AgentError};
  /** Its last words: the answer, where one was asked for. */
  readonly text: string;
  readonly usage: AgentUsage;
  /** What it was denied though it went on; success is to be doubted then. */
  readonly denied: readonly string[];
}

export type AgentError =
  | {readonly kind: AgentErrorKind; readonly detail: string}
  | {
      readonly kind: Exclude<ProviderSignalKind, 'ok'>;
      readonly retryAfterMs: number | null;
      readonly detail: string;
    };
