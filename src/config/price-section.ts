import type {Price} from '../model/price.ts';
import type {ConfigEntry, ConfigNodes} from './config-nodes.ts';

const KEYS = ['input', 'output', 'cache-read', 'cache-write'] as const;
const MAX_USD = 1_000_000;

/** `MODEL: {input: 3, output: 15}`, in USD per million tokens. A cache costs as much as input where nothing is said of it. */
export function readPrice(nodes: ConfigNodes, {key: model, value, keyNode}: ConfigEntry): Price | null {
  const where = `prices.${model}`;
  const hint = `Give USD per million tokens, for example \`${model}: {input: 3, output: 15}\`.`;
  const before = nodes.problems.length;
  const found = nodes.known(value ?? keyNode, {what: where, keys: KEYS, hint});
  const amount = (key: (typeof KEYS)[number]): number | null => {
    const entry = found[key];
    if (entry === undefined) return null;
    const written = nodes.valueOf(entry.value);
    if (typeof written === 'number' && written >= 0 && written <= MAX_USD) return written;
    nodes.report(entry.value ?? entry.keyNode, `${where}.${key}: an amount from 0 to ${MAX_USD} is expected`, hint);
    return null;
  };
  const [input, output, cacheRead, cacheWrite] = KEYS.map(amount);
  if (nodes.problems.length > before) return null;
  if (input == null || output == null) {
    nodes.report(keyNode, `${where}: ${input == null ? 'input' : 'output'} is missing`, hint);
    return null;
  }
  return {input, output, cacheRead: cacheRead ?? input, cacheWrite: cacheWrite ?? input};
}
