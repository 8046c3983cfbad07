/** The little of WebAssembly that the kernel needs; the types of Node leave it to those of browsers. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  const Memory: new (size: {initial: number; maximum: number}) => Memory;
  const Module: new (bytes: Uint8Array) => Module;
  const Instance: new (
    module: Module,
    imports: Record<string, Record<string, Memory>>,
  ) => {readonly exports: Record<string, unknown>};
}
