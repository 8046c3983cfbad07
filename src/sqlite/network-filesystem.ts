/** File system types by the magic number that statfs(2) reports on Linux. */
const NETWORK_FILESYSTEMS: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9p',
  0x5346414f: 'AFS',
  0x6b414653: 'AFS',
  0x564c: 'NCP',
  0x73757245: 'Coda',
};

/** The name of the network file system that a type of statfs stands for, or null. Locks cannot be trusted there. */
export function networkFilesystem(type: number): string | null {
  // The kernel's field is signed on some machines, so CIFS may arrive as a negative number.
  return NETWORK_FILESYSTEMS[type >>> 0] ?? null;
}
