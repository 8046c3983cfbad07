import {createConnection} from 'node:net';

/** Whether a process listens on a Unix socket. A stopped process does too: the kernel accepts on its behalf. */
export function listensOn(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const connection = createConnection({path});
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
