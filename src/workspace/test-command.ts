/** How manifests are looked at. */
interface Manifests {
  readonly has: (path: string) => boolean;
  readonly read: (path: string) => Promise<string | null>;
}

/** The command that runs the tests of a project, where its manifests leave no doubt; the first that is found. */
export async function testCommand(manifests: Manifests): Promise<string | null> {
  for (const find of [ofNode, ofRust, ofGo, ofPython, ofMake]) {
    const command = await find(manifests);
    if (command !== null) return command;
  }
  return null;
}

async function ofNode({has, read}: Manifests): Promise<string | null> {
  if (!has('package.json')) return null;
  const script = testScript((await read('package.json')) ?? '');
  // What `npm init` writes when there are no tests.
  if (script === null || /no test specified/.test(script)) return null;
  if (has('pnpm-lock.yaml')) return 'pnpm test';
  if (has('yarn.lock')) return 'yarn test';
  return has('bun.lock') || has('bun.lockb') ? 'bun run test' : 'npm test';
}

function testScript(text: string): string | null {
  try {
    const manifest: unknown = JSON.parse(text);
    const scripts =
      typeof manifest === 'object' && manifest !== null && 'scripts' in manifest ? manifest.scripts : null;
    const script = typeof scripts === 'object' && scripts !== null && 'test' in scripts ? scripts.test : null;
    return typeof script === 'string' && script.trim() !== '' ? script : null;
  } catch {
    return null;
  }
}

function ofRust({has}: Manifests): Promise<string | null> {
  return Promise.resolve(has('Cargo.toml') ? 'cargo test' : null);
}

function ofGo({has}: Manifests): Promise<string | null> {
  return Promise.resolve(has('go.mod') ? 'go test ./...' : null);
}

async function ofPython({has, read}: Manifests): Promise<string | null> {
  if (has('pytest.ini') || has('conftest.py')) return 'pytest';
  const project = has('pyproject.toml') ? await read('pyproject.toml') : null;
  return project !== null && /\bpytest\b/.test(project) ? 'pytest' : null;
}

async function ofMake({has, read}: Manifests): Promise<string | null> {
  const makefile = has('Makefile') ? await read('Makefile') : null;
  return makefile !== null && /^test\s*:(?!=)/m.test(makefile) ? 'make test' : null;
}
