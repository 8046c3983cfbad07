/** Lets everything else that the daemon does go on before the next piece. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
