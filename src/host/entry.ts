import {existsSync, writeSync} from 'node:fs';
import {ok} from '../base/result.ts';
import {machineId} from '../os/machine.ts';
import {isAlive, ownIdentity} from '../os/process-identity.ts';
import {readDaemonFile} from '../project/daemon-file.ts';
import {projectPaths} from '../project/project-paths.ts';
import {Host} from './host.ts';
import {parseHostOptions} from './host-options.ts';

/** The host logs to standard error, which its daemon has pointed at the project's log. */
function log(line: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} host ${process.pid}: ${line}\n`);
  } catch {
    // Nobody reads it any more (the daemon that opened it is gone): nothing to be done about it.
  }
}

/** A host that is broken leaves its attempts to the next one, which finds them by their cookies. */
function crash(error: unknown): void {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(7);
}

async function main(): Promise<void> {
  const options = parseHostOptions(process.argv.slice(2));
  const {daemonFile} = projectPaths(options.projectFolder);
  const host = new Host(options, {
    build: GODEL_VERSION,
    machineId: machineId(),
    identity: ownIdentity(),
    daemonIsGone: () => {
      const daemon = readDaemonFile(daemonFile)?.process;
      return daemon !== undefined && !isAlive(daemon);
    },
    launchDaemon: async () => {
      // A daemon that ends with no work left takes its file with it; one that dies leaves it behind.
      if (!existsSync(daemonFile)) {
        log('the daemon has ended in good order, so there is nothing left to do here');
        host.end('daemon-lost');
        return ok(undefined);
      }
      // Loaded when it is needed: a small process forks faster.
      const {launchDaemon} = await import('../project/launch-daemon.ts');
      return launchDaemon({projectFolder: options.projectFolder});
    },
    log,
  });
  process.on('SIGTERM', () => host.end('daemon-lost'));
  process.on('SIGINT', () => host.end('daemon-lost'));
  process.on('SIGHUP', () => undefined);
  host.start();
  await host.ended;
  process.exit(0);
}

process.on('uncaughtException', crash);
main().catch(crash);
