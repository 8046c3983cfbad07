import type {Failure} from '../model/failure.ts';

/**
 * What a failure says of the agent whose attempt it was: `perhaps` it is the agent's, or it is `none` of its: limits of the
 * provider, a runtime that is not there, a stop, a budget, a merge, or what concerns no attempt at all.
 */
export function faultOf({reason}: Pick<Failure, 'reason'>): 'perhaps' | 'none' {
  switch (reason) {
    case 'command-failed':
    case 'verify-failed':
    case 'spawn-failed':
    case 'timed-out':
    case 'silent':
    case 'memory-exceeded':
    case 'disk-exceeded':
    case 'output-invalid':
    case 'output-too-large':
    case 'output-unwritable':
    case 'agent-error':
    case 'no-change':
    case 'outside-touches':
    case 'over-cap':
    case 'workspace-failed':
    case 'unexpected':
      return 'perhaps';
    default:
      return 'none';
  }
}
