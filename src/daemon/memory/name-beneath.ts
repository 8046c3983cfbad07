/** The longest name that a hub takes. */
const MAX_NAME = 200;

/** An agent as one of those that the daemon speaks for. */
export function nameBeneath(speaker: string, agent: string): string {
  return speaker === '' ? agent : `${speaker}/${agent}`.slice(0, MAX_NAME);
}
