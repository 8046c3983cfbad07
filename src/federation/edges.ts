import type {Now} from '../base/clock.ts';
import type {BreakerNews, BreakerView, Edge} from '../model/edge.ts';
import type {HostId} from '../model/ids.ts';

/** How many attempts are at work with an edge that is half-open. */
interface Known {
  readonly news: BreakerNews;
  /** When it was last closed, and when it will be half-open (wall clock). */
  readonly sinceMs: number;
  readonly untilMs: number;
  underWay: number;
}

/** What the breakers of the hosts are known to be: nothing is leased to where it would be turned away. */
export class Edges {
  /** By host: those that are not closed, by name. */
  readonly #hosts = new Map<HostId, Map<string, Known>>();

  /** Returns whether that is another state than was known. */
  take(host: HostId, news: BreakerNews, {wallMs}: Pick<Now, 'wallMs'>): boolean {
    const known = this.#hosts.get(host) ?? new Map<string, Known>();
    const key = keyOf(news.of);
    const before = known.get(key)?.news.state ?? 'closed';
    if (news.state === 'closed') known.delete(key);
    else {
      const sinceMs = known.get(key)?.sinceMs ?? wallMs;
      const underWay = before === news.state ? (known.get(key)?.underWay ?? 0) : 0;
      known.set(key, {news, sinceMs, untilMs: wallMs + news.retryAfterMs, underWay});
    }
    if (known.size > 0) this.#hosts.set(host, known);
    else this.#hosts.delete(host);
    return before !== news.state;
  }

  /** Its breakers are gone with it. */
  hostGone(host: HostId): void {
    this.#hosts.delete(host);
  }

  /** Those that are not closed, in the order in which that was heard. */
  views(): readonly BreakerView[] {
    return [...this.#hosts].flatMap(([host, known]) =>
      [...known.values()].flatMap(({news: {of, state, detail}, sinceMs, untilMs}) =>
        state === 'closed' ? [] : [{of, host, state, detail, sinceMs, untilMs: state === 'open' ? untilMs : null}],
      ),
    );
  }

  /** An attempt with these has been leased there, or is over. */
  count(host: HostId, edges: readonly Edge[], by: 1 | -1): void {
    const known = this.#hosts.get(host);
    if (!known) return;
    for (const edge of edges) {
      const at = known.get(keyOf(edge));
      if (at) at.underWay = Math.max(0, at.underWay + by);
    }
  }

  /** Why nothing with these should go to the host just now; null: nothing is known against it. */
  obstacle(host: HostId, edges: readonly Edge[]): BreakerNews | null {
    const known = this.#hosts.get(host);
    if (!known) return null;
    for (const edge of edges) {
      const at = known.get(keyOf(edge));
      if (at && (at.news.state === 'open' || at.underWay > 0)) return at.news;
    }
    return null;
  }

  get isEmpty(): boolean {
    return this.#hosts.size === 0;
  }
}

export function edgesOf(runtime: string, provider: string): readonly Edge[] {
  return [
    {kind: 'runtime', name: runtime},
    {kind: 'provider', name: provider},
  ];
}

function keyOf({kind, name}: Edge): string {
  return `${kind}:${name}`;
}
