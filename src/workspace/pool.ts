import {existsSync, lstatSync, mkdirSync, readdirSync, rmSync, utimesSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {basename, dirname, join, posix} from 'node:path';
import {readClock, sleep} from '../base/clock.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {WorkspaceSettings} from '../model/agent-settings.ts';
import type {Failure} from '../model/failure.ts';
import {isAlive, ownIdentity} from '../os/process-identity.ts';
import {applyCommit, restoreFiles} from './apply.ts';
import {
  addCheckout,
  adminOf,
  type Checkout,
  checkoutOf,
  isReusable,
  removeCheckout,
  removeLocks,
  repositoryOf,
  resetCheckout,
} from './checkout.ts';
import {type Claim, Claims} from './claim.ts';
import {diskFailure} from './disk-failure.ts';
import {markersLeft} from './evidence.ts';
import {gitPaths} from './git.ts';
import {removeLeavings, removeStaleRecords} from './leavings.ts';
import {linkFolders} from './links.ts';
import {Quota} from './quota.ts';
import {type Kept, readKept} from './save.ts';
import {Turns} from './turns.ts';
import type {Workspace, WorkspacePool, WorkspaceRequest} from './workspace.ts';
import {WorkspaceInUse} from './workspace-in-use.ts';

export interface PoolOptions {
  /** Absolute path: `.godel/worktrees` of the project. Made when it is not there. */
  readonly folder: string;
  readonly settings: WorkspaceSettings;
  /** Worktrees that are set up or cleaned at a time; by default as many as there are processors, at least 2. */
  readonly parallel?: number;
}

/** The worktrees below a folder. Several processes may have it open at a time. */
export function openPool(options: PoolOptions): WorkspacePool {
  return new Pool(options);
}

const PREFIX = 'godel-';
/** How long the work of an attempt may take another host to keep, and how often that is looked at. */
const OTHERS_MS = 10_000;
const OTHERS_LOOK_MS = 20;
const NAME = /^godel-\d+$/;

interface SetUp {
  readonly name: string;
  readonly claim: Claim;
  /** Work of an interrupted attempt to go on with; null: none. */
  readonly work: Kept | null;
  readonly apply: string | null;
}

class Pool implements WorkspacePool {
  readonly #folder: string;
  readonly #settings: WorkspaceSettings;
  readonly #claims: Claims;
  readonly #turns: Turns;
  readonly #salvages = new Turns(1);
  readonly #adding = new Turns(1);
  readonly #self = ownIdentity();
  /** Common git folders of the repositories that we have worked for. */
  readonly #repositories = new Set<string>();
  /** Worktrees whose cleaning has failed. */
  readonly #unwiped = new Set<string>();
  /** Attempts of others whose work we could not keep. */
  readonly #unsaved = new Set<number>();
  readonly #quota: Quota;

  constructor({folder, settings, parallel}: PoolOptions) {
    this.#folder = folder;
    this.#settings = settings;
    this.#claims = new Claims(folder);
    this.#quota = new Quota(folder, settings.quotaBytes);
    this.#turns = new Turns(parallel ?? Math.max(2, availableParallelism()));
  }

  acquire(request: WorkspaceRequest): Promise<Result<Workspace, Failure>> {
    return this.#turns.take(async () => {
      try {
        return await this.#acquire(request);
      } catch (error) {
        return fail(diskFailure(error));
      }
    });
  }

  async #acquire(request: WorkspaceRequest): Promise<Result<Workspace, Failure>> {
    mkdirSync(this.#folder, {recursive: true, mode: 0o700});
    this.#repositories.add(request.gitFolder);
    const inherited = await this.#inherit(request);
    if (!inherited.ok) return inherited;
    if (inherited.value !== null) return ok(inherited.value);
    const interrupted = await this.#interruptedWork(request);
    if (!interrupted.ok) return interrupted;
    const work = interrupted.value;
    const claim = this.#claimFor(request, work?.base ?? request.base);
    const taken = await this.#take(claim, request.resume?.folder ?? null);
    if (!taken.ok) return taken;
    const name = taken.value;
    const ready = await this.#setUp({name, claim, work, apply: request.apply}).catch((error: unknown) =>
      fail(diskFailure(error)),
    );
    if (ready.ok) return ok(this.#inUse(name, ready.value, work === null ? 'begun' : 'resumed'));
    await this.#discard(name);
    return ready;
  }

  /**
   * The worktree of an interrupted attempt, as it stands: its claim goes over to the attempt that goes on there. When that is
   * impossible (somebody has removed its `.git`, for example) its work is kept first, as nobody else will come for it.
   */
  async #inherit({resume, attempt, ref}: WorkspaceRequest): Promise<Result<Workspace | null, Failure>> {
    const name = resume === null ? null : this.#nameOf(resume.folder);
    const claim = name === null ? null : this.#claims.read(name);
    if (name === null || claim === null || claim.attempt !== resume?.attempt) return ok(null);
    // Somebody else is keeping what is in it.
    if (!this.#claims.takeOver(name, {seen: claim, holder: this.#self})) return ok(null);
    const checkout = checkoutOf(this.#path(name), claim.gitFolder);
    if (checkout === null || claim.state !== 'working') {
      const saved = await this.#salvageOne(name, claim);
      return saved.ok ? ok(null) : saved;
    }
    const next: Claim = {...claim, holder: this.#self, attempt, ref, kept: null};
    this.#claims.change(name, next);
    removeLocks(checkout.admin);
    return ok(this.#inUse(name, next, 'resumed'));
  }

  /** What an interrupted attempt had kept, if its worktree has been given to others since. */
  async #interruptedWork({resume, ref, root}: WorkspaceRequest): Promise<Result<Kept | null, Failure>> {
    return resume === null ? ok(null) : readKept(`${posix.dirname(ref)}/${resume.attempt}`, root);
  }

  #claimFor({attempt, ref, root, gitFolder}: WorkspaceRequest, base: string): Claim {
    return {
      state: 'making',
      holder: this.#self,
      attempt,
      ref,
      base,
      root,
      gitFolder,
      conflicts: [],
      linked: [],
      kept: null,
    };
  }

  /** A free worktree, the preferred one if it is free, else the one given back last; else the name for a new one. */
  async #take(claim: Claim, preferred: string | null): Promise<Result<string, Failure>> {
    const first = preferred === null ? null : this.#nameOf(preferred);
    const free = this.#free().toReversed();
    for (const name of free.toSorted((a, b) => Number(b === first) - Number(a === first))) {
      const admin = adminOf(this.#path(name));
      const isOfAnother = admin !== null && repositoryOf(admin) !== claim.gitFolder;
      if (!isOfAnother && this.#claims.take(name, claim)) return ok(name);
    }
    const fits = await this.#quota.takeOne(this.#names().length);
    if (!fits.ok) return fits;
    for (let number = 1; ; number += 1) {
      const name = `${PREFIX}${number}`;
      if (!existsSync(this.#path(name)) && this.#claims.take(name, claim)) return ok(name);
    }
  }

  async #setUp({name, claim, work, apply}: SetUp): Promise<Result<Claim, Failure>> {
    const checkout = await this.#checkoutAt(name, claim);
    if (!checkout.ok) return checkout;
    const {folder} = checkout.value;
    const note = this.#noteFile(name);
    const linked = await linkFolders({root: claim.root, folder, base: claim.base, note}, this.#settings.link);
    if (!linked.ok) return linked;
    const conflicts = await contentOf({folder, work, apply});
    if (!conflicts.ok) return conflicts;
    const ready: Claim = {...claim, state: 'working', conflicts: conflicts.value, linked: linked.value};
    this.#claims.change(name, ready);
    return ok(ready);
  }

  async #checkoutAt(name: string, {root, base, gitFolder}: Claim): Promise<Result<Checkout, Failure>> {
    const folder = this.#path(name);
    const checkout = checkoutOf(folder, gitFolder);
    if (checkout !== null) {
      const reset = await resetCheckout(checkout, {base, linked: this.#linkedPaths()});
      if (reset.ok) return ok(checkout);
    }
    rmSync(this.#noteFile(name), {force: true});
    await removeCheckout({folder, admin: adminOf(folder)});
    return addCheckout({root, folder, base}, this.#adding);
  }

  #inUse(name: string, claim: Claim, how: 'begun' | 'resumed'): Workspace {
    const folder = this.#path(name);
    return new WorkspaceInUse({
      folder,
      admin: checkoutOf(folder, claim.gitFolder)?.admin ?? null,
      scratch: this.#folder,
      claim,
      resumed: how === 'resumed',
      onClaim: next => this.#claims.change(name, next),
      onRelease: () => this.#turns.take(() => this.#wipe(name, claim)),
    });
  }

  /** Makes a worktree free whose work is kept. When that cannot be done it is removed instead, or later by `collect`. */
  async #wipe(name: string, claim: Claim): Promise<void> {
    try {
      this.#claims.change(name, {...(this.#claims.read(name) ?? claim), state: 'wiping', holder: this.#self});
      if (await this.#clean(name, claim)) this.#claims.give(name);
      else await this.#discard(name);
      this.#unwiped.delete(name);
    } catch (error) {
      diskFailure(error);
      this.#unwiped.add(name);
    }
  }

  async #clean(name: string, {base, root, gitFolder}: Claim): Promise<boolean> {
    const folder = this.#path(name);
    const checkout = checkoutOf(folder, gitFolder);
    if (checkout === null || !(await isReusable(checkout, root))) return false;
    const reset = await resetCheckout(checkout, {base, linked: this.#linkedPaths()});
    if (!reset.ok) return false;
    utimesSync(join(folder, '.git'), new Date(), new Date());
    return true;
  }

  /** Removes a worktree that we have the claim of. */
  async #discard(name: string): Promise<void> {
    const folder = this.#path(name);
    rmSync(this.#noteFile(name), {force: true});
    await removeCheckout({folder, admin: adminOf(folder)});
    this.#claims.give(name);
  }

  async salvage(attempts: readonly number[]): Promise<ReadonlyMap<number, string | null>> {
    const wanted = new Set(attempts);
    const kept = new Map<number, string | null>();
    const isWanted = ({attempt}: Claim) => attempt !== null && wanted.has(attempt);
    for (const name of this.#claims.all().keys()) {
      await this.#salvages.take(async () => {
        await this.#othersDone(name, isWanted);
        await this.#turns.take(() => this.#rescue(name, {isWanted, kept}));
      });
    }
    return kept;
  }

  /** Another host that lives may be keeping it just now. */
  async #othersDone(name: string, isWanted: (claim: Claim) => boolean): Promise<void> {
    const isAtIt = () => {
      const claim = this.#claims.read(name);
      return claim !== null && isWanted(claim) && claim.holder.pid !== this.#self.pid && isAlive(claim.holder);
    };
    const giveUpAt = readClock().monoMs + OTHERS_MS;
    while (isAtIt() && readClock().monoMs < giveUpAt) await sleep(OTHERS_LOOK_MS);
  }

  /** Keeps the work of one that is wanted, if it is still there: somebody else may have come for it, and others work there now. */
  async #rescue(
    name: string,
    {isWanted, kept}: {isWanted: (claim: Claim) => boolean; kept: Map<number, string | null>},
  ): Promise<void> {
    const claim = this.#claims.read(name);
    if (claim === null || claim.attempt === null || !isWanted(claim)) return;
    if (!this.#claims.takeOver(name, {seen: claim, holder: this.#self})) return;
    this.#unsaved.add(claim.attempt);
    const saved = await this.#salvageOne(name, {...claim, holder: this.#self});
    if (!saved.ok) return;
    this.#unsaved.delete(claim.attempt);
    kept.set(claim.attempt, saved.value);
  }

  orphans(): readonly number[] {
    return [...this.#claims.all().values()].flatMap(({attempt, state, holder}) => {
      if (attempt === null || state !== 'working') return [];
      return this.#unsaved.has(attempt) || !isAlive(holder) ? [attempt] : [];
    });
  }

  async #salvageOne(name: string, claim: Claim): Promise<Result<string | null, Failure>> {
    if (claim.state !== 'working') {
      await this.#wipe(name, claim);
      return ok(claim.kept);
    }
    if (!existsSync(this.#path(name))) {
      await this.#discard(name);
      return ok(claim.kept);
    }
    const workspace = this.#inUse(name, {...claim, holder: this.#self}, 'resumed');
    const subject = `Unfinished work of attempt ${claim.attempt ?? 0}`;
    const saved = await workspace.save({subject, author: {name: 'godel', email: 'godel@localhost'}});
    // What could not be kept stays where it is, to be tried again.
    if (!saved.ok) return saved;
    await this.#wipe(name, claim);
    return ok(saved.value?.commit ?? null);
  }

  async collect({count}: {readonly count: number}): Promise<void> {
    if (!existsSync(this.#folder)) return;
    for (const [name, claim] of this.#claims.all()) {
      const isLeft = claim.state !== 'working' && (this.#unwiped.has(name) || !isAlive(claim.holder));
      if (!isLeft) continue;
      await this.#turns.take(async () => {
        if (this.#claims.takeOver(name, {seen: claim, holder: this.#self})) await this.#wipe(name, claim);
      });
    }
    const free = this.#free();
    for (const name of free.slice(0, Math.max(0, free.length - count))) {
      const nobodys = {
        state: 'wiping',
        holder: this.#self,
        attempt: null,
        conflicts: [],
        linked: [],
        kept: null,
      } as const;
      const isOurs = this.#claims.take(name, {...nobodys, ref: '', base: '', root: '', gitFolder: ''});
      if (isOurs) await this.#turns.take(() => this.#discard(name));
    }
    await removeLeavings(this.#folder);
    for (const gitFolder of this.#repositories) {
      const isOurs = (name: string) => NAME.test(name) && this.#claims.read(name) === null;
      await removeStaleRecords(gitFolder, {folder: this.#folder, isOurs});
    }
  }

  /** Worktrees that nobody has, the longest unused first. */
  #free(): readonly string[] {
    const taken = this.#claims.all();
    return this.#names()
      .filter(name => !taken.has(name))
      .map(name => ({
        name,
        sinceMs: lstatSync(join(this.#path(name), '.git'), {throwIfNoEntry: false})?.mtimeMs ?? 0,
      }))
      .toSorted((a, b) => a.sinceMs - b.sinceMs)
      .map(({name}) => name);
  }

  #names(): readonly string[] {
    const entries = readdirSync(this.#folder, {withFileTypes: true});
    return entries.filter(entry => entry.isDirectory() && NAME.test(entry.name)).map(({name}) => name);
  }

  #linkedPaths(): readonly string[] {
    return this.#settings.link.map(({path}) => path);
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #noteFile(name: string): string {
    return join(this.#folder, `${name}.links`);
  }

  /** The name of one of our worktrees; null for any other folder. */
  #nameOf(folder: string): string | null {
    const name = basename(folder);
    return dirname(folder) === this.#folder && NAME.test(name) ? name : null;
  }
}

/** Fills a fresh checkout with what its attempt goes on with. Returns the files with conflicts. */
async function contentOf({
  folder,
  work,
  apply,
}: {folder: string} & Pick<SetUp, 'work' | 'apply'>): Promise<Result<readonly string[], Failure>> {
  if (work === null) return apply === null ? ok([]) : applyCommit(apply, folder);
  const restored = await restoreFiles(work.commit, folder);
  if (!restored.ok || apply === null) return restored.ok ? ok([]) : restored;
  // The interrupted attempt had begun with the applied commit: what it had not yet resolved is still to be done.
  const changed = await gitPaths(['diff-tree', '-r', '--name-only', '-z', work.base, work.commit], {cwd: folder});
  return changed.ok ? ok(await markersLeft(folder, changed.value)) : changed;
}
