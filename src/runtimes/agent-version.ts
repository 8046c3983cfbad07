/** The first version in what a program says of itself (`2.1.3 (Claude Code)`, `codex-cli 0.169.0`); null: none. */
export function versionIn(text: string): string | null {
  return /(?<![\d.])\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.-]+)?/.exec(text)?.[0] ?? null;
}

/** Whether a version is older than another by its first three numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  for (let index = 0; index < 3; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbersOf(version: string): readonly number[] {
  return version.split(/[-+]/, 1).flatMap(part => part.split('.').map(Number));
}
