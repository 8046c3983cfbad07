interface Waiting {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly over: readonly string[];
}

/** How many can be at work at once when each begins as soon as it may and all take as long: at least 1. */
export function widthOf(subtasks: readonly Waiting[]): number {
  const byId = new Map(subtasks.map(each => [each.id, each]));
  const left = new Map(subtasks.map(each => [each.id, each.dependencies.length]));
  const users = new Map<string, string[]>();
  for (const {id, dependencies} of subtasks) {
    for (const need of dependencies) {
      const list = users.get(need);
      if (list) list.push(id);
      else users.set(need, [id]);
    }
  }
  let level = subtasks.filter(each => each.dependencies.length === 0).map(each => each.id);
  let widest = 1;
  while (level.length > 0) {
    const width = level.reduce((sum, id) => sum + Math.max(1, byId.get(id)?.over.length ?? 1), 0);
    widest = Math.max(widest, width);
    const next: string[] = [];
    for (const id of level) {
      for (const user of users.get(id) ?? []) {
        const missing = (left.get(user) ?? 0) - 1;
        left.set(user, missing);
        if (missing === 0) next.push(user);
      }
    }
    level = next;
  }
  return widest;
}
