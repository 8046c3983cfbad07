/** Changes that can be taken back, the latest first, until they are kept. */
export class UndoLog {
  #undo: (() => void)[] = [];

  /** Changes that can still be taken back. */
  get size(): number {
    return this.#undo.length;
  }

  keep(): void {
    this.#undo = [];
  }

  takeBack(): void {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) undo();
  }

  set<T, K extends keyof T>(target: T, key: K, value: T[K]): void {
    const before = target[key];
    target[key] = value;
    this.#undo.push(() => {
      target[key] = before;
    });
  }

  put<K, V>(map: Map<K, V>, key: K, value: V): void {
    const before = map.get(key);
    map.set(key, value);
    this.#undo.push(() => (before === undefined ? map.delete(key) : map.set(key, before)));
  }

  insert<T>(set: Set<T>, value: T): void {
    set.add(value);
    this.#undo.push(() => set.delete(value));
  }

  remove<T>(set: Set<T>, value: T): void {
    set.delete(value);
    this.#undo.push(() => set.add(value));
  }

  push<T>(list: T[], value: T): void {
    list.push(value);
    this.#undo.push(() => list.pop());
  }
}
