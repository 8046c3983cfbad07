import type {Tokens} from './bill.ts';
import type {Conversation, Fields, Reply} from './conversation.ts';
import type {FaultKind} from './fault.ts';

/** One provider's API: how its requests read, and its answers and errors are worded. */
export interface Dialect {
  /** What a request to this path is; null: not of this API. */
  route(path: string): Route | null;
  read(body: Fields, route: Route): Conversation;
  /** The answer as server-sent events. */
  frames(answer: Answer): readonly Frame[];
  whole(answer: Answer): unknown;
  counted(tokens: number): unknown;
  error(kind: ErrorKind): ProviderError;
  /** What is sent when the provider fails half-way. */
  brokenOff(): string;
}

export interface Route {
  readonly does: 'generate' | 'count';
  /** Where the path names it. */
  readonly model?: string;
  readonly stream?: boolean;
}

export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly reply: Reply;
  readonly tokens: Tokens;
}

/** `told`: what the client knows to be billed when it has received this much of the answer. */
export interface Frame {
  readonly text: string;
  readonly told?: Tokens;
}

export type ErrorKind = Extract<
  FaultKind,
  'throttled' | 'overloaded' | 'unavailable' | 'quota' | 'unauthorized' | 'too-long'
>;

export interface ProviderError {
  readonly status: number;
  readonly body: unknown;
}

export function event(data: unknown, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}
