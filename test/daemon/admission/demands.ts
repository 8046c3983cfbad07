import type {AdmissionDemand} from '../../../src/daemon/admission/admission.ts';
import type {ProviderId} from '../../../src/model/provider.ts';

/** A demand for commands: nothing but permits. */
export function commands(want: number, running: number): AdmissionDemand {
  return {want, running, memoryBytes: {want: 0, running: 0}, providers: []};
}

/** A demand for attempts that use one provider. */
export function prompts(want: number, running: number, provider: ProviderId = 'anthropic'): AdmissionDemand {
  return {want, running, memoryBytes: {want: 0, running: 0}, providers: [{provider, want, running}]};
}
