import {similarTo} from '../base/similar.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import {GodelError} from '../model/failure.ts';
import {didYouMean} from '../model/failure-text.ts';
import {runtimeNames} from '../runtimes/registry.ts';

interface Asked {
  /** Who names them, for the message. */
  readonly where: string;
  readonly settings: AgentSettings;
}

/** A slip in the name of a runtime is said before a team is made of agents that can never be ready. */
export function refuseUnknownRuntimes(named: readonly {readonly runtime?: string}[], {where, settings}: Asked): void {
  const known = ['command', ...runtimeNames(settings)];
  const unknown = named.map(({runtime}) => runtime).find(name => name !== undefined && !known.includes(name));
  if (unknown === undefined) return;
  const similar = similarTo(unknown, known);
  const hint =
    similar.length > 0
      ? didYouMean(similar)
      : `There are ${runtimeNames(settings).join(', ')}; others are added in the configuration, under \`runtimes\`.`;
  throw new GodelError({reason: 'usage', message: `${where} names the runtime ${unknown}, which does not exist`, hint});
}
