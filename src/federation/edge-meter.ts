import type {BreakerCounts, BreakerNews, Edge, EdgeCounts} from '../model/edge.ts';
import type {HostId} from '../model/ids.ts';

/** Runtimes and accounts that are counted: the first of which anything is heard. */
const MOST_EDGES = 500;
const NONE: BreakerCounts = {opens: 0, refusals: 0, openMs: 0};

interface Heard {
  readonly news: BreakerNews;
  readonly counts: BreakerCounts;
  /** Monotonic. */
  readonly atMs: number;
}

interface Total {
  readonly of: Edge;
  counts: BreakerCounts;
  /** Of the time that they are open, what was shown last: a host that says less later takes nothing back. */
  shownMs: number;
  readonly hosts: Map<HostId, Heard>;
}

/** What the breakers of all hosts have counted since this daemon heard of them, also of hosts that are gone. */
export class EdgeMeter {
  readonly #totals = new Map<string, Total>();

  take(host: HostId, news: BreakerNews, atMs: number): void {
    const total = this.#totalOf(news.of);
    if (!total) return;
    const last = total.hosts.get(host)?.counts ?? NONE;
    const counts = news.counts ?? last;
    total.counts = {
      opens: total.counts.opens + grown(last.opens, counts.opens),
      refusals: total.counts.refusals + grown(last.refusals, counts.refusals),
      openMs: total.counts.openMs + grown(last.openMs, counts.openMs),
    };
    total.hosts.set(host, {news, counts, atMs});
  }

  /** What it would have gone on to count is not known. */
  hostGone(host: HostId): void {
    for (const total of this.#totals.values()) total.hosts.delete(host);
  }

  /** In the order in which they were first heard of. */
  views(nowMs: number): readonly EdgeCounts[] {
    return [...this.#totals.values()].map(total => {
      const {of, counts, hosts} = total;
      const heard = [...hosts.values()];
      const open = heard.filter(({news}) => news.state === 'open');
      const since = open.reduce((sum, {atMs}) => sum + Math.max(0, nowMs - atMs), 0);
      const halfOpen = heard.filter(({news}) => news.state === 'half-open').length;
      total.shownMs = Math.max(total.shownMs, Math.round(counts.openMs + since));
      return {of, open: open.length, halfOpen, ...counts, openMs: total.shownMs};
    });
  }

  #totalOf(of: Edge): Total | null {
    const key = `${of.kind}:${of.name}`;
    const known = this.#totals.get(key);
    if (known) return known;
    if (this.#totals.size >= MOST_EDGES) return null;
    const made: Total = {of, counts: NONE, shownMs: 0, hosts: new Map()};
    this.#totals.set(key, made);
    return made;
  }
}

function grown(from: number, to: number): number {
  return Math.max(0, to - from);
}
