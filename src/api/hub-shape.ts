import {z} from 'zod';

/** The parts of a `HubRequest`. */
export const hubShape = {
  url: z.string().min(1).max(1000).exactOptional(),
  tenant: z.string().min(1).max(200).exactOptional(),
  tokenFile: z.string().max(4096).regex(/^\//, 'expected an absolute path').exactOptional(),
};
