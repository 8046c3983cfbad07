import {readFileSync} from 'node:fs';
import {readClock} from '../../base/clock.ts';
import type {CertificatePaths} from '../../hub/client/hub-endpoint.ts';
import {unverifiedClaims} from '../../hub/client/hub-token.ts';
import {GodelError} from '../../model/failure.ts';
import type {RemoteHub} from '../../model/memory.ts';
import type {ProjectHub} from '../project-hub.ts';

/** Where a memory's hub is, and as whom it connects. */
export interface HubSource {
  /** Resolves with its address now, starting it if that is ours to do. Rejects where it cannot be had at present. */
  find(): Promise<string>;
  /** As whom. Agents speak as names beneath it. */
  readonly agentId: string;
  /** Whether nobody else's memory is there. */
  readonly ownsLog: boolean;
  readonly certificates: CertificatePaths;
  /** Asked again for each connection. */
  token(): string | Promise<string>;
  /** When the token that is there now ends: Unix epoch, milliseconds; null: not known. */
  expiresAtMs(): number | null;
  /** Tells of each address that it has from now on. Answers how to stop listening. */
  onMoved(listener: (url: string) => void): () => void;
}

/** The one tenant of a project's own hub; not its id, which is another when the project is moved. */
export const PROJECT_TENANT = 'project';
/** As whom the daemon connects. */
const PROJECT_AGENT = 'godel';

export function projectSource(hub: ProjectHub): HubSource {
  const at = () => hub.endpoint({agentId: PROJECT_AGENT, tenantId: PROJECT_TENANT});
  return {
    agentId: PROJECT_AGENT,
    ownsLog: true,
    certificates: {},
    find: async () => (await at()).url,
    token: async () => (await at()).token,
    expiresAtMs: () => null,
    onMoved: listener => hub.onReady(listener),
  };
}

export function remoteSource({url, tokenFile, certPath, keyPath, caPath}: RemoteHub): HubSource {
  let agentId: string | null = null;
  let endsMs: number | null = null;
  let lookAgainMs = Number.NEGATIVE_INFINITY;
  const token = () => {
    const text = readToken(tokenFile);
    agentId = unverifiedClaims(text).agentId;
    return text;
  };
  return {
    get agentId() {
      if (agentId === null) {
        try {
          token();
        } catch {
          // Whoever connects is told why.
        }
      }
      return agentId ?? PROJECT_AGENT;
    },
    ownsLog: false,
    certificates: {certPath, keyPath, caPath},
    // So that a file that cannot be read is told of, and the name is known.
    find: () => Promise.resolve().then(() => (token(), url)),
    token,
    expiresAtMs() {
      const {monoMs} = readClock();
      if (monoMs < lookAgainMs) return endsMs;
      lookAgainMs = monoMs + LOOK_MS;
      try {
        endsMs = unverifiedClaims(readToken(tokenFile)).expiresAtMs;
      } catch {
        // Whoever connects is told why.
        endsMs = null;
      }
      return endsMs;
    },
    onMoved: () => () => undefined,
  };
}

/** A file that was read is not read again for so many milliseconds to say when its token ends. */
const LOOK_MS = 1000;

function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new GodelError({reason: 'usage', message: `the token for the hub cannot be read: ${detail}`});
  }
  if (text === '') throw new GodelError({reason: 'usage', message: `the file for the hub's token, ${file}, is empty`});
  return text;
}
