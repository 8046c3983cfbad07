const LOOPBACK = /^(?:127(?:\.\d+){3}|\[::1\]|(?:[^.]+\.)*localhost)$/;

/** Whether nothing said to this host leaves the machine; `host` as `URL` writes it. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
