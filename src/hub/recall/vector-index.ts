/** Vectors of one tenant by a number of the caller's (a log position). Not thread-safe, not durable. */
export interface VectorIndex {
  readonly dimensions: number;
  readonly size: number;
  /** Adds or replaces. Throws RangeError on another number of dimensions, or a vector that is not finite. */
  add(key: number, vector: Float32Array): void;
  remove(key: number): boolean;
  /**
   * The k nearest by cosine similarity, best first, of equals the smaller key; fewer when there are fewer. With `among`
   * only those keys are looked at, however few are near. Throws RangeError as `add` does, and on a k that is not an integer from 1 to 10,000.
   */
  search(
    vector: Float32Array,
    k: number,
    among?: Iterable<number>,
  ): readonly {readonly key: number; readonly similarity: number}[];
}

/** Turns texts into vectors of unit length. */
export interface Embedder {
  /** Names model and version: vectors of different ids are not comparable. */
  readonly id: string;
  readonly dimensions: number;
  /** In the order of `texts`. Rejects when the model cannot be reached or read. */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
