import {KERNEL_BYTES} from './kernel-bytes.ts';

/** What kernel.wat exports; it says what each does. Addresses are bytes in `memory`. */
export interface Kernel {
  dot(codes: number, query: number, dimensions: number): number;
  dotOfRests(rests: number, query: number, dimensions: number): number;
  distances(bits: number, query: number, out: number, histogram: number, count: number, bytes: number): void;
  within(distances: number, count: number, low: number, high: number, out: number): number;
  signs(codes: number, bits: number, dimensions: number): void;
  transform(values: number, signs: number, count: number): void;
  largest(values: number, count: number): number;
  encode(values: number, factor: number, codes: number, rests: number, count: number): void;
  similarities(codes: number, scales: number, query: number, out: number, count: number, dimensions: number): void;
}

/** A kernel of its own for this memory. Compiling takes well under a millisecond. */
export function openKernel(memory: WebAssembly.Memory): Kernel {
  const module = new WebAssembly.Module(Buffer.from(KERNEL_BYTES, 'base64'));
  const {exports} = new WebAssembly.Instance(module, {env: {memory}});
  // The test of kernel-bytes.ts holds it to kernel.wat, whose exports these are.
  return exports as unknown as Kernel;
}
