const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes of `512`, `64KiB`, `256MiB`, `1.5GiB` (also `64K`, `256MB`, meaning the same powers of 1024); null otherwise. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?|B)?$/i.exec(text.trim());
  if (!match) return null;
  const power = match[2] === undefined ? 0 : 'KMGT'.indexOf(match[2].toUpperCase()) + 1;
  const bytes = Math.round(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** A size as people read it: `812 B`, `1.4 MiB`, `256 MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1023.95 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  const digits = step === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, '');
  return `${digits} ${STEPS[step] ?? 'B'}`;
}
