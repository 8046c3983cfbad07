/** Whose account an attempt uses: the unit in which providers limit. For example `anthropic`. */
export type ProviderId = string;

/**
 * What a provider has let us know. throttled: too many requests just now. quota: the account has used up what it may for a
 * longer time. overloaded: the provider itself is short of capacity. ok: a request was answered.
 */
export type ProviderSignalKind = 'ok' | 'throttled' | 'quota' | 'overloaded';

export interface ProviderSignal {
  readonly provider: ProviderId;
  readonly kind: ProviderSignalKind;
  /** How long the provider wants to be left alone, in milliseconds; null: it did not say. */
  readonly retryAfterMs: number | null;
}

/** How many attempts may use a provider at a time just now, and why not more. */
export interface Gate {
  readonly provider: ProviderId;
  readonly permits: number;
  readonly why: string | null;
}

const OF_RUNTIME: Readonly<Record<string, ProviderId>> = {claude: 'anthropic', codex: 'openai', gemini: 'google'};

/**
 * The account behind a runtime and model. Runtimes for many providers name it in the model (`anthropic/claude-haiku`);
 * otherwise the runtime's own name stands for its account.
 */
export function providerOf(runtime: string, model: string | null): ProviderId {
  const known = OF_RUNTIME[runtime];
  if (known !== undefined) return known;
  const slash = model?.indexOf('/') ?? -1;
  return model !== null && slash > 0 ? model.slice(0, slash) : runtime;
}
