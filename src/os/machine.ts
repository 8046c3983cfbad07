import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {readFileSync, statfsSync} from 'node:fs';
import {freemem, hostname, totalmem} from 'node:os';

/** Names this machine, also after a reboot. Hashed, because /etc/machine-id is meant to stay on the machine. */
export function machineId(): string {
  const source = process.platform === 'linux' ? textOf('/etc/machine-id') : hardwareId();
  return createHash('sha256')
    .update(`godel ${source || hostname()}`)
    .digest('hex')
    .slice(0, 32);
}

export interface Memory {
  readonly availableBytes: number | null;
  readonly totalBytes: number | null;
}

/** Memory that new processes can take without pushing others out; within the limits of our container, if any. */
export function memory(): Memory {
  if (process.platform !== 'linux') return {availableBytes: freemem(), totalBytes: totalmem()};
  const machine = parseMeminfo(textOf('/proc/meminfo'));
  const container = containerMemory({
    max: textOf('/sys/fs/cgroup/memory.max'),
    current: textOf('/sys/fs/cgroup/memory.current'),
    stat: textOf('/sys/fs/cgroup/memory.stat'),
  });
  return {
    availableBytes: least(machine.availableBytes, container.availableBytes),
    totalBytes: least(machine.totalBytes, container.totalBytes),
  };
}

export function parseMeminfo(text: string): Memory {
  const bytes = (name: string) => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  };
  return {availableBytes: bytes('MemAvailable'), totalBytes: bytes('MemTotal')};
}

/** Cgroup v2. File cache that can be dropped at once counts as available, as it does in MemAvailable. */
export function containerMemory({max, current, stat}: {max: string; current: string; stat: string}): Memory {
  const total = Number.parseInt(max, 10);
  const used = Number.parseInt(current, 10);
  if (Number.isNaN(total) || Number.isNaN(used)) return {availableBytes: null, totalBytes: null};
  const cache = Number(/^inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0);
  return {availableBytes: Math.max(0, total - used + cache), totalBytes: total};
}

/** Bytes that we may still write on the disk of `path`; null when the OS does not say. */
export function freeDiskBytes(path: string): number | null {
  try {
    const {bavail, bsize} = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}

/** Magic numbers of statfs(2) for filesystems whose shared memory does not work between machines. */
const NETWORK_FILESYSTEMS = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x00c36400, 'ceph'],
  [0x5346414f, 'afs'],
  [0x0bd00bd3, 'lustre'],
  [0x47504653, 'gpfs'],
]);

/** The kind of the network filesystem that `path` is on; null when it is a local one or cannot be told (macOS). */
export function networkFilesystem(path: string): string | null {
  if (process.platform !== 'linux') return null;
  try {
    return NETWORK_FILESYSTEMS.get(statfsSync(path).type >>> 0) ?? null;
  } catch {
    return null;
  }
}

function least(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

/** Empty when the file is missing or closed to us: the fact is then unknown. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function hardwareId(): string {
  try {
    return execFileSync('sysctl', ['-n', 'kern.uuid'], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore']}).trim();
  } catch {
    return '';
  }
}
