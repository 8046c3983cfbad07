import {PROCESS_ALARMS} from './alarms.ts';
import type {HubDocument} from './hub-document.ts';
import {NO_DOCUMENTS} from './end-to-end.ts';
import {HubDocuments} from './hub-documents.ts';
import {badOption, HubError} from './hub-error.ts';
import {HubReplica, type HubReplicaOptions} from './hub-replica.ts';

export type FederationHubOptions = HubReplicaOptions;

/** One agent at a hub: its memory, see `HubReplica`, and the documents that it writes together with others. */
export class FederationHub extends HubReplica {
  readonly #documents: HubDocuments;

  /** Opens the cache. Throws a HubError: `bad-option`, or `cache-unusable`. */
  constructor(options: FederationHubOptions) {
    const documents = new HubDocuments(options.alarms ?? PROCESS_ALARMS);
    super(options, documents);
    this.#documents = documents;
  }

  /**
   * The document of this name that the agents of the tenant write together, the same object for the same name. Works without a connection,
   * too. Throws a HubError: `bad-option`, also where the adapter has no documents, or `limit-reached` (100 at a time).
   */
  document(name: string): HubDocument {
    if (this.isClosed) throw new HubError('ended', 'This hub connection was closed: make a new one');
    if (this.isSealed) throw badOption(NO_DOCUMENTS);
    return this.#documents.document(name);
  }
}
