/** Of a page in this format (version 0.0.4). */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;

/** Figures in the text format of Prometheus, each name with this prefix. */
export class PrometheusText {
  readonly #prefix: string;
  readonly #lines: string[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  gauge(name: string, help: string, value: number | readonly Sample[]): void {
    this.#add('gauge', name, {help, value});
  }

  counter(name: string, help: string, value: number | readonly Sample[]): void {
    this.#add('counter', name, {help, value});
  }

  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #add(
    kind: 'gauge' | 'counter',
    suffix: string,
    {help, value}: {help: string; value: number | readonly Sample[]},
  ): void {
    const name = `${this.#prefix}${suffix}`;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
    if (typeof value === 'number') this.#lines.push(`${name} ${value}`);
    else for (const [labels, each] of value) this.#lines.push(`${name}${labelText(labels)} ${each}`);
  }
}

export type Sample = readonly [labels: Labels, value: number];

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
