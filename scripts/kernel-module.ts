import wabt from 'wabt';

/** The TypeScript file that holds the WebAssembly text `wat` as bytes. Rejects with the place of what is wrong in it. */
export async function kernelModule(wat: string): Promise<string> {
  const tools = await wabt();
  const module = tools.parseWat('kernel.wat', wat, {simd: true});
  try {
    const {buffer} = module.toBinary({});
    const lines =
      Buffer.from(buffer)
        .toString('base64')
        .match(/.{1,110}/g) ?? [];
    return `/** kernel.wat, made by \`npx tsx scripts/write-kernel.ts\`; a test holds the two together. */
export const KERNEL_BYTES = [
${lines.map(line => `  '${line}',\n`).join('')}].join('');
`;
  } finally {
    module.destroy();
  }
}
