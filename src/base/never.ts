/** The default branch of a switch over a union: compiles only while every member is handled. */
export function never(value: never): never {
  throw new Error(`Internal error: unexpected value ${JSON.stringify(value)}`);
}
