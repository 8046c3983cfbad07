import {PROCESS_ALARMS} from './alarms.ts';
import type {HubAdapter} from './hub-adapter.ts';
import type {HubDocument} from './hub-document.ts';
import {HubDocuments} from './hub-documents.ts';
import {badOption, HubError} from './hub-error.ts';
import {HubReplica, type HubReplicaOptions} from './hub-replica.ts';

export type FederationHubOptions = HubReplicaOptions;

/** How long what was written into documents may take to be told when it is disconnected, in milliseconds. */
const LAST_WORDS_MS = 2000;

/** One agent at a hub: its memory, see `HubReplica`, and the documents that it writes together with others. */
export class FederationHub extends HubReplica {
  readonly #documents: HubDocuments;

  /** Opens the cache. Throws a HubError: `bad-option`, or `cache-unusable`. */
  constructor(options: FederationHubOptions) {
    super(options);
    this.#documents = new HubDocuments(options.alarms ?? PROCESS_ALARMS);
  }

  /**
   * The document of this name that the agents of the tenant write together, the same object for the same name. Works without a connection,
   * too. Throws a HubError: `bad-option`, also where the adapter has no documents, or `limit-reached` (100 at a time).
   */
  document(name: string): HubDocument {
    if (this.isClosed) throw new HubError('ended', 'This hub connection was closed: make a new one');
    if (this.isSealed) {
      throw badOption('Shared documents are merged by the hub, which would read them: there are none with endToEnd');
    }
    return this.#documents.document(name);
  }

  protected override attached(adapter: HubAdapter): void {
    this.#documents.attach(adapter);
  }

  protected override leaving(): Promise<void> {
    return this.#documents.settle(LAST_WORDS_MS);
  }

  protected override detached(): void {
    this.#documents.detach();
  }

  protected override ended(): void {
    this.#documents.closeAll();
  }
}
