/** `missing` stops everything, `limited` some things: the text says which, and what to do. */
export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly text: string;
}
