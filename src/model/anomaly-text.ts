import {formatSize} from '../base/size.ts';
import type {AgentAnomaly} from './agent-view.ts';

/** In what an agent stands out, to follow its name. */
export function anomalyText({what, value, median}: AgentAnomaly): string {
  switch (what) {
    case 'duration':
      return `takes ${times(value)} as long as is usual, others of its group ${times(median)}`;
    case 'errors':
      return `fails in ${Math.round(100 * value)} % of its attempts, others of its group in ${Math.round(100 * median)} %`;
    case 'memory':
      return `grows by ${formatSize(value)} a second, others of its group by ${formatSize(median)}`;
    case 'output':
      return `prints ${formatSize(value)} a second, others of its group ${formatSize(median)}`;
  }
}

function times(ratio: number): string {
  return `${Number(ratio.toPrecision(2))} times`;
}
