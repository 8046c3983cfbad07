/** How often each member stands on the ring: enough for shares that differ by about a tenth. */
const POINTS = 64;
/** Members are numbered in the lower bits of a place: a hash of 32 bits and this are an exact number together. */
const MEMBERS = 2 ** 20;

/** Members on a circle of 2³² hashes, each at many places. */
export class Ring<T> {
  readonly #places: Float64Array;
  readonly #members: readonly T[];

  /** `places` are in order. */
  constructor(places: Float64Array, members: readonly T[]) {
    this.#places = places;
    this.#members = members;
  }

  /** Places, not members. */
  get size(): number {
    return this.#places.length;
  }

  hashAt(place: number): number {
    return Math.floor((this.#places[place] ?? 0) / MEMBERS);
  }

  memberAt(place: number): T | undefined {
    return this.#members[(this.#places[place] ?? 0) % MEMBERS];
  }

  /** The first place at or after a hash; after the last one comes the first. */
  firstFrom(hash: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.hashAt(middle) < hash) low = middle + 1;
      else high = middle;
    }
    return low === this.#places.length ? 0 : low;
  }
}

export function emptyRing<T>(): Ring<T> {
  return new Ring<T>(new Float64Array(0), []);
}

/** Whatever the order of the members: those whose places collide stand there by their ids. */
export function ringOf<T extends {readonly id: string}>(members: readonly T[]): Ring<T> {
  if (members.length > MEMBERS) throw new RangeError(`a ring has at most ${MEMBERS} members`);
  const inOrder = members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const places = new Float64Array(members.length * POINTS);
  inOrder.forEach(({id}, index) => {
    let place = index * POINTS;
    for (const hash of pointsOf(id)) {
      places[place] = hash * MEMBERS + index;
      place += 1;
    }
  });
  return new Ring(places.sort(), inOrder);
}

/** Where a member stands. */
export function pointsOf(id: string): Uint32Array {
  const points = new Uint32Array(POINTS);
  const seed = hash32(id);
  for (let index = 0; index < POINTS; index += 1) points[index] = mixed(seed + Math.imul(index, 0x9e3779b1));
  return points;
}

/** FNV-1a (Fowler, Noll, Vo) over UTF-16 units, mixed once more so that similar texts lie far apart. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3 (Austin Appleby, public domain). */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
