import {createServer} from 'node:net';

/**
 * Rejects as listening there would: a hub finds out before it makes anything on the disk. Somebody else may still take the port before the
 * hub has it.
 */
export function mustListen({port, host}: {readonly port: number; readonly host: string}): Promise<void> {
  checkPort(port);
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({port, host}, () => server.close(() => resolve()));
  });
}

/** Throws RangeError. */
export function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`port is ${port}; expected 0 to 65535`);
}
