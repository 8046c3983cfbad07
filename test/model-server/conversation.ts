/** What a client has sent, whatever API it speaks. */
export interface Conversation {
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  readonly stream: boolean;
  /** It wants one JSON value as the answer, not prose. */
  readonly wantsJson: boolean;
  /** It has asked that what is sent be kept in the provider's cache. */
  readonly caches: boolean;
}

export type Turn =
  | {readonly role: 'user'; readonly text: string}
  | {readonly role: 'assistant'; readonly text: string; readonly calls: readonly Call[]}
  | {readonly role: 'result'; readonly text: string; readonly failed: boolean};

/** A tool that the client offers. `freeform`: its input is a text, not an object. */
export interface Tool {
  readonly name: string;
  readonly freeform: boolean;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly required: readonly string[];
}

export interface Call {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>> | string;
}

/** What the model says next. */
export interface Reply {
  readonly text: string;
  readonly calls: readonly Call[];
  readonly refusal: boolean;
}

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown): Fields {
  // Any object may be looked into by name; what stands there stays unknown.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A tool from its JSON schema, wherever the API keeps that. */
export function toolOf(name: unknown, schema: unknown): Tool {
  const {properties, required} = fieldsOf(schema);
  return {
    name: textOf(name),
    freeform: false,
    properties: fieldsOf(properties),
    required: listOf(required).map(textOf),
  };
}

/** The input of a call, which some APIs carry as a text of JSON. */
export function inputOf(json: unknown): Fields | string {
  if (typeof json !== 'string') return fieldsOf(json);
  try {
    return fieldsOf(JSON.parse(json));
  } catch {
    return json;
  }
}
