import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import type {JsonValue} from '../../src/base/json.ts';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {renderAttempt} from '../../src/plan/render.ts';

const SHELLS = ['sh', 'bash'] as const;
const NASTY = [
  'plain',
  '',
  "it's",
  '"',
  '\\',
  '$(touch pwned)',
  '`touch pwned`',
  '"; touch pwned; "',
  "'; touch pwned; '",
  '\'"$(touch pwned)"\'',
  '${HOME}',
  '* ? [a-z]',
  '-n',
  ' two  spaces ',
  'line one\nEOF\ntouch pwned\n',
  'tab\tand\rcarriage',
  '!history! #comment ~ &|;<>(){}',
  'ünïcödé 🚀',
];

/** Each script prints values that end in NUL; `want` says what they are for an item. */
const SCRIPTS: readonly {script: string; want: (v: string) => readonly string[]}[] = [
  {script: `printf '%s\\0' \${{ item }}`, want: v => [v]},
  {script: `printf '%s\\0' "\${{ item }}" '\${{item}}'`, want: v => [v, v]},
  {
    script: `printf '%s\\0' a\${{ item }}b"c '\${{ item }}' d"'e "\${{ item }}" f'`,
    want: v => [`a${v}bc '${v}' de "${v}" f`],
  },
  {script: `printf '%s\\0' "$(printf %s "\${{ item }}x")"`, want: v => [`${v}x`]},
  {script: `printf '%s\\0' "$(printf %s \${{ item }}; printf %s '"x')"`, want: v => [`${v}"x`]},
  {
    script: `# don't \${{ item }} "(\nprintf '%s\\0' \${{ item }} # it's\nprintf '%s\\0' "\${{ item }}"`,
    want: v => [v, v],
  },
  {
    script: `cat <<EOF\nit's "\${{ item }}" $(printf %s "\${{ item }}.")\nEOF\nprintf '\\0'`,
    want: v => [`it's "${v}" ${v}.\n`],
  },
  {
    script: `cat >/dev/null <<'E "1'; cat <<-\tTWO\ndon't " $(\nE "1\n\t\${{ item }}\n\tTWO\nprintf '\\0%s\\0' \${{ item }}`,
    want: v => [`${v}\n`, v],
  },
  {
    script: `printf '%s\\0' "$(case \${{ item }} in plain) printf ')' ;; *) printf %s "\${{ item }}x" ;; esac)\${{ item }}"`,
    want: v => [`${v === 'plain' ? ')' : `${v}x`}${v}`],
  },
  {script: `printf '%s\\0' $((1 + (2)))"\${{ item }}"`, want: v => [`3${v}`]},
  {script: `printf '%s\\0' "$( (printf a) | cat; (printf b))\${{ item }}"`, want: v => [`ab${v}`]},
  {
    script: `printf '%s\\0' "\\$\${{ item }}" "\\\\\${{ item }}" '\\\${{ item }}'`,
    want: v => [`$${v}`, `\\${v}`, `\\${v}`],
  },
  {
    script: `printf '%s\\0' "\${nope:-'its'}\${{ item }}" \${nope:-'a}'}\${{ item }}`,
    want: v => [`'its'${v}`, `a}${v}`],
  },
  {script: `y='a}b'; printf '%s\\0' "\${y%'}b'}\${{ item }}" "\${#y}\${{ item }}"`, want: v => [`a${v}`, `3${v}`]},
  {script: `printf '%s\\0' "\`printf '"'\`\${{ item }}"`, want: v => [`"${v}`]},
  {script: `printf '%s\\0' $#\${{ item }} "$#\${{ item }}"`, want: v => [`0${v}`, `0${v}`]},
  {script: `( (printf '%s\\0' \${{ item }}) ); if true; then printf '%s\\0' "\${{ item }}"; fi`, want: v => [v, v]},
  {script: `x=\${{ item }}; printf '%s\\0' "$x"; f() { printf '%s\\0' "$1"; }; f \${{ item }}`, want: v => [v, v]},
  {script: `printf '%s\\0' \\\n  \${{ item }} a#'\${{ item }}'`, want: v => [v, `a#${v}`]},
  {
    script: `printf '%s\\0' \${{ item }} | tr a a; [ \${{ item }} = "\${{ item }}" ] && printf '%s\\0' same`,
    want: v => [v, 'same'],
  },
];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-quotes-'));
});
afterAll(() => rmSync(folder, {recursive: true, force: true}));

function scriptOf({work}: {work: {kind: string; script?: string}}): string {
  return work.script ?? '';
}

function run(shell: string, script: string, item: JsonValue): readonly string[] {
  const plan = compilePlan({version: 1, tasks: {t: {foreach: [], run: script}}}, 'test');
  const spec = plan.ok ? plan.value.tasks[0] : undefined;
  if (!spec) throw new Error(`${script}\n${JSON.stringify(plan)}`);
  const attempt = renderAttempt(spec, item);
  if (!attempt.ok) throw new Error(JSON.stringify(attempt.failure));
  const env = {PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', ...attempt.value.env};
  const child = spawnSync(shell, ['-c', scriptOf(attempt.value)], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 60_000,
    // A bash whose input is a socket takes itself for a remote shell and reads the user's .bashrc.
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(child.stderr).toBe('');
  const parts = child.stdout.split('\0');
  expect(parts.pop()).toBe('');
  return parts;
}

describe.each(SHELLS)('an item in a script run by %s', shell => {
  const all = SCRIPTS.map(({script}) => script).join('\n');
  const wanted = (value: string) => SCRIPTS.flatMap(({want}) => want(value));

  it.each(SCRIPTS)('arrives as it is: $script', ({script, want}) => {
    for (const value of ['plain', '$(touch pwned)', '"\'\\'] as const)
      expect(run(shell, script, value)).toEqual(want(value));
  });

  it.each(NASTY)('is data, whatever it is: %j', value => {
    expect(run(shell, all, value)).toEqual(wanted(value));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is data for arbitrary text', () => {
    const text = fc.oneof(
      fc.string({unit: 'grapheme', maxLength: 40}),
      fc
        .array(fc.constantFrom('$(', ')', '`', '"', "'", '\\', '${', '}', '\n', ' ', 'a', '#', ';', '<<E', '*'))
        .map(p => p.join('')),
    );
    fc.assert(
      fc.property(
        text.filter(value => !value.includes('\0')),
        value => {
          expect(run(shell, all, value)).toEqual(wanted(value));
        },
      ),
      {numRuns: 40},
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('arrives as it is in any nesting of quotes and substitutions', () => {
    const value = `a'b"c$(touch pwned)\\d\`e \${x} *`;
    fc.assert(
      fc.property(fc.array(word(), {minLength: 5, maxLength: 15}), words => {
        const script = words.map(({text}) => `printf '%s\\0' x${text}`).join('\n');
        expect(run(shell, script, value)).toEqual(words.map(({want}) => `x${want(value)}`));
      }),
      {numRuns: 60},
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

interface Word {
  readonly text: string;
  readonly want: (value: string) => string;
}

/** A shell word built of pieces whose meaning is known: the reference for the scanner. */
function word(): fc.Arbitrary<Word> {
  const literal = (...texts: string[]) => fc.constantFrom(...texts.map(text => ({text, want: () => text})));
  const expression = fc.constantFrom<Word>({text: '${{ item }}', want: v => v}, {text: '${{item}}', want: v => v});
  const {bare} = fc.letrec<{bare: Word; double: Word; substitution: Word}>(tie => ({
    bare: joined(
      fc.oneof(
        {depthSize: 'small', maxDepth: 4},
        expression,
        literal('a', 'b#', '-', '=', 'case', 'esac'),
        fc.constantFrom<Word>(...["\\'", '\\"', '\\#', '\\ ', '\\)'].map(text => ({text, want: () => text.slice(1)}))),
        wrapped(
          "'",
          joined(fc.oneof(expression, literal('a', ' ', '"', '#', '(', ')', '$', '$(', '`', '\\', '\n'))),
          "'",
        ),
        tie('double'),
      ),
    ),
    double: wrapped(
      '"',
      joined(
        fc.oneof(
          {depthSize: 'small', maxDepth: 4},
          expression,
          literal('a', ' ', "'", '#', '(', ')', '<<E', '\n'),
          tie('substitution'),
          fc.constantFrom<Word>(...['\\"', '\\$', '\\\\', '\\`'].map(text => ({text, want: () => text.slice(1)}))),
        ),
      ),
      '"',
    ),
    substitution: fc.oneof(
      {depthSize: 'small', maxDepth: 4},
      wrapped(
        '$(printf %s ',
        tie('bare').map(inner => ({text: `x${inner.text}`, want: (v: string) => `x${inner.want(v)}`})),
        '; printf .)',
        '.',
      ),
      wrapped('$( (case a in a) printf %s x', tie('bare'), " ;; esac) # it's)\nprintf .)", '.').map(({text, want}) => ({
        text,
        want: (v: string) => `x${want(v)}`,
      })),
    ),
  }));
  return bare;
}

function joined(piece: fc.Arbitrary<Word>): fc.Arbitrary<Word> {
  return fc.array(piece, {maxLength: 4}).map(pieces => ({
    text: pieces.map(({text}) => text).join(''),
    want: v => pieces.map(({want}) => want(v)).join(''),
  }));
}

function wrapped(before: string, inner: fc.Arbitrary<Word>, after: string, suffix = ''): fc.Arbitrary<Word> {
  return inner.map(({text, want}) => ({text: before + text + after, want: v => want(v) + suffix}));
}
