import type {Episode, EpisodeChange, EpisodeState, LogItem} from '../../../model/episode.ts';
import {foldState, untouched} from './cache-folds.ts';
import type {Row} from './cache-rows.ts';
import type {BodyCode} from './cache-seal.ts';

/** What rows say, once their bodies are opened. Throws on a body that was changed. */
export class CacheBodies {
  readonly code: BodyCode;

  constructor(code: BodyCode) {
    this.code = code;
  }

  item(row: Row): LogItem {
    if (row.kind === 0) return {kind: 'episode', episode: this.episode(row)};
    // Written by this cache.
    return {kind: 'change', change: JSON.parse(this.code.decode(row.id, row.body)) as EpisodeChange};
  }

  episode({id, body}: Pick<Row, 'id' | 'body'>): Episode {
    // Written by this cache.
    return JSON.parse(this.code.decode(id, body)) as Episode;
  }

  /** The kept fold as JSON; null: the episode has no changes. */
  fold({id, fold}: Pick<Row, 'id' | 'fold'>): string | null {
    return fold === null ? null : this.code.decode(foldId(id), fold);
  }

  sealFold(id: string, json: string): string | Buffer {
    return this.code.encode(foldId(id), json);
  }

  state(row: Pick<Row, 'id' | 'fold'>, episode: Pick<Episode, 'tags' | 'critique'>): EpisodeState {
    const fold = this.fold(row);
    return fold === null ? untouched(episode) : foldState(fold);
  }
}

function foldId(id: string): string {
  return `${id} fold`;
}
