import {type ChildProcess, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {onTestFinished} from 'vitest';
import type {Activity, AgentRequest, AgentResult, AgentRun, AgentRuntime} from '../../src/runtimes/agent-runtime.ts';

export interface RanAgent {
  readonly activities: readonly Activity[];
  readonly result: AgentResult;
  readonly run: AgentRun;
  readonly exit: {readonly exitCode: number | null; readonly signal: string | null};
}

export interface HowToRun {
  /** The output is handed over in pieces of this many bytes. */
  readonly pieceBytes?: number;
  /** Called with each activity; true: the group is ended now, as a host does when time is over. */
  readonly endWhen?: (activity: Activity) => boolean;
  /** Called with each activity; true: it is asked to stop in its own way. */
  readonly cancelWhen?: (activity: Activity) => boolean;
  /** The group is ended after this time. */
  readonly endAfterMs?: number;
}

/** A request with everything that is usual. */
export function requestIn(cwd: string, request: Partial<AgentRequest>): AgentRequest {
  return {
    prompt: 'Do it.',
    model: null,
    cwd,
    env: {PATH: process.env['PATH'] ?? ''},
    resume: null,
    allow: [],
    readOnly: false,
    maxUsd: null,
    scratch: temporaryFolder('scratch'),
    ...request,
  };
}

export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `godel-${name}-`));
  onTestFinished(() => {
    rmSync(folder, {recursive: true, force: true});
  });
  return folder;
}

/** Starts what the runtime asks for, in a process group of its own, and feeds it as a host does. */
export async function runAgent(runtime: AgentRuntime, request: AgentRequest, how: HowToRun = {}): Promise<RanAgent> {
  const activities: Activity[] = [];
  let child: ChildProcess | null = null;
  const run = runtime.begin(request, {
    activity(activity) {
      activities.push(activity);
      if (how.endWhen?.(activity) === true) endGroup(child);
      if (how.cancelWhen?.(activity) === true) run.cancel?.();
    },
    send: text => child?.stdin?.write(text),
    done: () => child?.stdin?.end(),
  });
  child = spawn(run.file, run.args, {
    cwd: request.cwd,
    env: {...request.env, ...run.env},
    detached: true,
    stdio: [run.stdin === 'closed' ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const started = child;
  const limit = how.endAfterMs === undefined ? undefined : setTimeout(() => endGroup(started), how.endAfterMs);
  onTestFinished(() => {
    clearTimeout(limit);
    endGroup(started);
  });
  // A program that ends before it has read everything is judged by its end, not by this.
  child.stdin?.on('error', () => undefined);
  if (run.stdin !== 'closed' && 'all' in run.stdin) child.stdin?.end(run.stdin.all);
  else if (run.stdin !== 'closed') child.stdin?.write(run.stdin.first);
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const piece of piecesOf(chunk, how.pieceBytes ?? chunk.length)) run.stdout(piece);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    run.stderr(chunk);
  });
  const exit = await new Promise<RanAgent['exit']>((resolve, reject) => {
    started.once('error', reject);
    started.once('close', (exitCode, signal) => {
      resolve({exitCode, signal});
    });
  });
  return {activities, result: run.ended(exit), run, exit};
}

function piecesOf(chunk: Buffer, bytes: number): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < chunk.length; at += bytes) pieces.push(chunk.subarray(at, at + bytes));
  return pieces;
}

function endGroup(child: ChildProcess | null): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
