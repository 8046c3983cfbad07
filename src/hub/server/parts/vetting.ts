import type {KeyObject} from 'node:crypto';
import type {Result} from '../../../base/result.ts';
import type {LogItem} from '../../../model/episode.ts';
import type {HubIdentity} from '../../../model/hub.ts';
import {checkStamp, type StampFailure} from '../../replica/hybrid-clock.ts';
import {readPublicKey, verifyEpisode} from '../../security/episode-signature.ts';
import type {Refusal} from '../hub-parts.ts';
import type {Credentials} from '../store/credentials.ts';

/** The keys of as many agents are held ready. */
const MAX_AGENTS = 10_000;

export interface VettingParts {
  readonly credentials: Pick<Credentials, 'keys'>;
  /** Told of each stamp that is taken, so that stamps of the hub's own are later. */
  readonly observe: (stamp: string) => Result<void, StampFailure>;
  readonly wallMs: () => number;
  /** The log of the hub, and the last position of a tenant that anybody can have seen. */
  readonly log: {readonly id: string; head(tenant: string): number};
  /** Episodes that are not signed by a known key are not taken, of whomever they are. */
  readonly requireSignatures: boolean;
}

/** What is asked of each pushed item: a stamp that is not ahead, and of an agent with a key, its signature. */
export class Vetting {
  readonly #parts: VettingParts;
  /** By tenant and agent, those asked for longest ago first. */
  readonly #keys = new Map<string, readonly KeyObject[]>();

  constructor(parts: VettingParts) {
    this.#parts = parts;
  }

  readonly vet = ({tenantId, agentId}: HubIdentity, item: LogItem): Refusal | null => {
    const at = item.kind === 'episode' ? item.episode.at : item.change.at;
    const stamp = checkStamp(at, {wallMs: this.#parts.wallMs()});
    if (!stamp.ok) return refuseStamp(stamp.failure);
    const {clock} = item.kind === 'episode' ? item.episode : item.change;
    if (clock?.[0] === this.#parts.log.id && clock[3] > this.#parts.log.head(tenantId)) {
      return refuse('bad-frame', `the clock says that position ${clock[3]} was seen, which is not there yet`);
    }
    if (item.kind === 'episode') {
      const {episode} = item;
      const {signer, keys} = this.#signerOf(tenantId, [episode.agentId, agentId]);
      if (keys.length === 0 && this.#parts.requireSignatures) {
        const fix = `make a key of ${signer} known (a frame \`key\`; signingKey in the client), and sign with that`;
        return refuse('forbidden', `this hub takes signed episodes only: ${fix}`);
      }
      if (keys.length > 0 && !keys.some(publicKey => verifyEpisode(episode, {tenantId, publicKey}))) {
        const what = episode.signature === null ? 'the episode is not signed' : 'the signature is of another key';
        return refuse('forbidden', `${what}; ${signer} has made a key known, so sign with that`);
      }
    }
    this.#parts.observe(at);
    return null;
  };

  /** After the keys of an agent have changed. */
  forget(tenant: string, agentId: string): void {
    this.#keys.delete(`${tenant}\0${agentId}`);
  }

  /** The first of these agents with a key: who has one signs itself, whoever speaks for it; for the others the speaker does. */
  #signerOf(tenant: string, agents: readonly [string, string]): {signer: string; keys: readonly KeyObject[]} {
    const [signer, speaker] = agents;
    const keys = this.#keysOf(tenant, signer);
    if (keys.length > 0 || speaker === signer) return {signer, keys};
    return {signer: speaker, keys: this.#keysOf(tenant, speaker)};
  }

  #keysOf(tenant: string, agentId: string): readonly KeyObject[] {
    const name = `${tenant}\0${agentId}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const keys = this.#parts.credentials.keys(tenant, agentId).map(({publicKey}) => readPublicKey(publicKey));
    this.#keys.set(name, keys);
    const oldest = this.#keys.keys().next();
    if (this.#keys.size > MAX_AGENTS && !oldest.done) this.#keys.delete(oldest.value);
    return keys;
  }
}

/** What is only ahead of our clock is taken once that has come near enough. */
function refuseStamp(failure: StampFailure): Refusal {
  const {kind, detail} = failure;
  if (kind !== 'ahead') return refuse('bad-frame', detail);
  return {code: 'unavailable', message: detail, retryAfterMs: failure.aheadMs - failure.limitMs};
}

function refuse(code: Refusal['code'], message: string): Refusal {
  return {code, message, retryAfterMs: null};
}
