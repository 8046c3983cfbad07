import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {planDocument} from '../../src/federation/decompose/plan-document.ts';
import type {Decomposition, RepositoryFiles, Subtask} from '../../src/federation/decompose/subtask.ts';
import {type DecomposeRequest, TaskDecomposer} from '../../src/federation/task-decomposer.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';

const FILES = [
  'src/a.ts',
  'src/b.ts',
  'src/c.ts',
  'src/d.ts',
  'src/deep/e.ts',
  'docs/guide.md',
  'packages/x/package.json',
  'packages/y/package.json',
];

const repository: RepositoryFiles = {
  files: glob =>
    glob === 'src/*.ts'
      ? FILES.slice(0, 4)
      : FILES.filter(file => file === glob || file.startsWith(`${glob.replace(/\/(\*\*)?$/, '')}/`)),
  folders: glob => (glob === 'packages/*' ? ['packages/x', 'packages/y'] : []),
  packages: () => ['packages/x', 'packages/y'],
};

const read = (task: string, more: Partial<DecomposeRequest> = {}) =>
  new TaskDecomposer({repository}).decompose({task, ...more});

/** `id < dependency, dependency` for each. */
const shape = ({subtasks}: Decomposition) =>
  subtasks.map(({id, dependencies}) => (dependencies.length === 0 ? id : `${id} < ${dependencies.join(', ')}`));

describe('lists', () => {
  it('puts numbered items in a sequence and bullets in any order', () => {
    expect(shape(read('1. Add the parser\n2. Wire it in\n3) Write docs'))).toEqual([
      'add-the-parser',
      'wire-it-in < add-the-parser',
      'write-docs < wire-it-in',
    ]);
    expect(shape(read('- one\n* two\n+ three\n• four'))).toEqual(['one', 'two', 'three', 'four']);
    expect(shape(read('Do these in this order:\n- one\n- two'))).toEqual(['one', 'two < one']);
    expect(shape(read('In any order:\n1. one\n2. two'))).toEqual(['one', 'two']);
    expect(shape(read('1. add x 2. add y 3. add z'))).toEqual(['add-x', 'add-y < add-x', 'add-z < add-y']);
    expect(shape(read('Please (1) add x (2) add y'))).toEqual(['add-x', 'add-y < add-x']);
  });

  it('puts an item after those nested in it', () => {
    const done = read('1. Build the API\n   - login\n   - logout\n2. Ship it\n   1. pack\n   2. send');
    expect(shape(done)).toEqual([
      'build-the-api < login, logout',
      'login',
      'logout',
      'ship-it < send',
      'pack < build-the-api',
      'send < pack',
    ]);
    expect(done.subtasks[1]?.prompt).toContain('part of: Build the API');
    expect(shape(read('1. a\n1.1 b\n1.2 c\n2. d'))).toEqual(['a < c', 'b', 'c < b', 'd < a']);
  });

  it('leaves out what is ticked off, and says so', () => {
    const done = read('1. [x] one\n2. [ ] two\n3. [X] three\n4. [ ] four\n');
    expect(shape(done)).toEqual(['two', 'four < two']);
    expect(done.reading).toContainEqual('2 items ticked off and left out: “one” (line 1), “three” (line 3).');
    expect(read('- [x] one')).toMatchObject({kind: 'refused', because: expect.stringContaining('ticked off')});
    expect(shape(read('- [x] all\n  - [ ] left\n  - [x] done\n- [ ] end'))).toEqual(['left', 'end']);
  });

  it('hears “first”, “then” and “finally” in front of items', () => {
    expect(shape(read('- First set up\n- add a\n- add b\n- Then check b\n- Finally ship\n- tell everyone'))).toEqual([
      'set-up',
      'add-a < set-up',
      'add-b < set-up',
      'check-b < add-b',
      'ship < set-up, add-a, add-b, check-b',
      'tell-everyone < ship',
    ]);
  });

  it('hears “after” and “before” of other items, and refuses what goes round in a ring', () => {
    expect(
      shape(read('- Write the parser\n- Deploy (after the tests)\n- Run the tests, after writing the parser')),
    ).toEqual([
      'write-the-parser',
      'deploy-after-the-tests < run-the-tests-after-writing-the-parser',
      'run-the-tests-after-writing-the-parser < write-the-parser',
    ]);
    expect(shape(read('- a1\n- Before a1, b1\n- c1 (needs a1)'))).toEqual([
      'a1 < before-a1-b1',
      'before-a1-b1',
      'c1-needs-a1 < a1',
    ]);
    const ring = read('1. one (after 2)\n2. two\n3. three (after 9)');
    expect(shape(ring)).toEqual(['one-after-2', 'two < one-after-2', 'three-after-9 < two']);
    expect(ring.reading.join('\n')).toMatch(
      /Line 1: .* contradicts the order[^]*Line 3: “after 9” names no other item/,
    );
    expect(shape(read('- Log the user out after ten minutes\n- The parser needs tests\n- Write tests'))).toHaveLength(
      3,
    );
    expect(
      read('- Log the user out after ten minutes\n- The parser needs tests\n- Write tests').subtasks.flatMap(
        each => each.dependencies,
      ),
    ).toEqual([]);
  });

  it('takes headings as groups, in a sequence when they are numbered', () => {
    const text = '# Release\nThe big one.\n## 1. Prepare\n- bump\n- tag\n## 2. Publish\nTo npm.\n- push\n## Urgent\n';
    expect(shape(read(text.replace('## Urgent\n', '')))).toEqual(['bump', 'tag', 'push < bump, tag']);
    const push = read(text.replace('## Urgent\n', '')).subtasks.at(-1);
    expect(push?.prompt).toBe('push\n\nIt is part of: Release › 2. Publish\n\nBackground:\nTo npm.');
    expect(shape(read('## A\n- x\n## B\n- y'))).toEqual(['x', 'y']);
    expect(read('## Urgent\n- x').subtasks[0]?.priority).toBe(20);
  });

  it('keeps what belongs to an item with it', () => {
    const text = '- one\n  more of it\n\n  ```\n  - no item\n  ```\n- two\nlazy\n\nNot of it.\n';
    const done = read(text);
    expect(shape(done)).toEqual(['one', 'two']);
    expect(done.subtasks[0]?.prompt).toContain('one\nmore of it\n\n```\n- no item');
    expect(done.subtasks[1]?.prompt).toMatch(/^two\nlazy/);
    expect(shape(read('- a\n- - -\n- \n-not an item'))).toEqual(['a']);
  });
});

describe('sentences', () => {
  it('follow their words of order', () => {
    const three = ['add-the-parser', 'wire-it-into-the-cli < add-the-parser', 'write-docs < wire-it-into-the-cli'];
    expect(shape(read('First add the parser, then wire it into the CLI, and finally write docs.'))).toEqual(three);
    expect(shape(read('Add the parser. Then wire it into the CLI.\nFinally, write docs. The API stays.'))).toEqual(
      three,
    );
    expect(shape(read('After adding the parser, wire it into the CLI; then write docs'))).toHaveLength(3);
    expect(shape(read('Before deploying the site, run the tests.'))).toEqual([
      'run-the-tests',
      'deploying-the-site < run-the-tests',
    ]);
  });

  it.each([
    'Refactor codebase',
    'If the file exists, then delete it.',
    'After ten minutes of inactivity, log the user out.',
    'Make the login faster. It is slow now and then, after all.',
    '# Title\n\nJust some words about a thing.\n\nAnd more.',
    'When the user clicks, then show a dialog, then close it.',
  ])('are not taken apart without: %s', text => {
    expect(read(text)).toMatchObject({kind: 'needs-model', subtasks: []});
  });
});

describe('for each', () => {
  it('goes over real files, or divides them', () => {
    const whole = read('For each file in src/*.ts, add doc comments.');
    expect(whole).toMatchObject({
      width: 4,
      subtasks: [{over: FILES.slice(0, 4), skills: ['docs', 'typescript'].slice(1)}],
    });
    const shared = read('Convert every file in `src/*.ts` to ESM', {parallelism: 3});
    expect(shared.subtasks.map(({files}) => files.length)).toEqual([1, 1, 2]);
    expect(shared.subtasks.flatMap(({files}) => files)).toEqual(FILES.slice(0, 4));
    expect(read('Add a licence to every package').subtasks[0]?.over).toEqual(['packages/x', 'packages/y']);
    expect(read('For every folder in packages/* write a README.').subtasks[0]?.over).toEqual([
      'packages/x',
      'packages/y',
    ]);
    expect(read('Add types to all files under src/.').subtasks[0]?.over).toHaveLength(5);
    expect(read('Fix each file in lib/*.js')).toMatchObject({
      kind: 'refused',
      because: expect.stringContaining('no file matches lib/*.js'),
    });
    expect(shape(read('1. For each file in src/*.ts, add types\n2. Check', {parallelism: 2}))).toEqual([
      'for-each-file-in-src-ts-add-types',
      'for-each-file-in-src-ts-add-types-2',
      'check < for-each-file-in-src-ts-add-types, for-each-file-in-src-ts-add-types-2',
    ]);
  });
});

describe('what items say of themselves', () => {
  it.each([
    ['Urgent: fix the login', 20],
    ['Fix the login [P1]', 10],
    ['Fix the login!', 10],
    ['Fix the login!!', 20],
    ['low priority: tidy up', -10],
    ['Tidy up, if time permits', -10],
    ['Show urgent tickets in red', 0],
    ['Compare with `!important`', 0],
  ])('%s: priority %d', (text, priority) => {
    expect(read(`- ${text}`).subtasks[0]?.priority).toBe(priority);
  });

  it.each([
    ['a (2h)', {durationMs: 7_200_000}],
    ['a (~30 min, $0.50)', {durationMs: 1_800_000, usd: 0.5}],
    ['a [20k tokens]', {tokens: 20_000}],
    ['a, estimate: 45 minutes', {durationMs: 2_700_000}],
    ['wait 5 minutes between tries (see 3)', null],
    ['a (2 days)', null],
  ])('%s: estimate %j', (text, estimate) => {
    expect(read(`- ${text}`).subtasks[0]?.estimate).toEqual(estimate);
  });

  it('names files that are there', () => {
    expect(read('- Fix src/a.ts and src/none.ts\n- tidy src/deep/\n- and/or').subtasks.map(({files}) => files)).toEqual(
      [['src/a.ts'], ['src/deep'], []],
    );
    expect(read('- Write tests for src/a.ts').subtasks[0]?.skills).toEqual(['test', 'typescript']);
  });
});

const line = fc.oneof(
  fc.string({unit: 'binary', maxLength: 30}),
  fc.string({unit: 'grapheme', maxLength: 30}),
  fc.constantFrom(
    '${{ item }}',
    '# h',
    '## 2. h',
    '```',
    '1. a',
    '- [x] b',
    '  - c',
    '- after 1, d',
    '\t* e',
    '10) first f',
    '---',
    '- for each file in src/*.ts g',
    'First add a, then b',
    '- finally c (after b)',
    '   2. x',
    '- : #{[]}',
    'a\rb',
  ),
);
const anyText = fc.array(line, {maxLength: 25}).map(lines => lines.join('\n'));

function expectSound(subtasks: readonly Subtask[]): void {
  const ids = new Set(subtasks.map(({id}) => id));
  expect(ids.size).toBe(subtasks.length);
  const left = new Map(subtasks.map(each => [each.id, new Set(each.dependencies)]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [id, needs] of left) if ([...needs].every(need => ids.has(need) && !left.has(need))) left.delete(id);
  }
  expect([...left.keys()]).toEqual([]);
}

describe('whatever the text', () => {
  test('ids are unique, nothing waits in a ring, and it is a valid plan', () => {
    fc.assert(
      fc.property(anyText, fc.option(fc.integer({min: 1, max: 5})), (task, parallelism) => {
        const done = read(task, parallelism === null ? {} : {parallelism});
        expectSound(done.subtasks);
        if (done.kind !== 'subtasks') return;
        const document = planDocument(done.subtasks, {verify: 'npm test', prefix: ''});
        const parsed = parsePlan({file: 'x', bytes: Buffer.from(JSON.stringify(document))});
        expect(parsed.ok, JSON.stringify(parsed)).toBe(true);
        if (!parsed.ok) return;
        for (const [index, {prompt, over}] of done.subtasks.entries()) {
          const told =
            parsed.value.plan.tasks[index]?.prompt?.map(part => (typeof part === 'string' ? part : '')).join('') ?? '';
          if (over.length === 0) expect(told.trimEnd()).toBe(prompt.trimEnd());
        }
      }),
      {numRuns: 500},
    );
  });

  test('every open item becomes one task with all its words, in an order that the list allows', () => {
    const word = fc.stringMatching(/^[a-zäöü日本]{1,8}$/);
    const item = fc.record({
      words: fc.array(word, {minLength: 1, maxLength: 4}),
      depth: fc.nat(3),
      isDone: fc.boolean(),
      eol: fc.constantFrom('\n', '\r\n'),
    });
    fc.assert(
      fc.property(
        fc.array(item, {minLength: 1, maxLength: 30}),
        fc.constantFrom('numbers', 'bullets'),
        (items, kind) => {
          const text = items
            .map(
              ({words, depth, isDone, eol}, index) =>
                `${'  '.repeat(depth)}${kind === 'numbers' ? `${index + 1}.` : '-'} [${isDone ? 'x' : ' '}] zz${index} ${words.join(' ')}${eol}`,
            )
            .join('');
          const {subtasks} = read(text);
          const open = items.flatMap((each, index) => (each.isDone ? [] : [{...each, index}]));
          expect(subtasks.map(each => each.prompt.split('\n', 1)[0])).toEqual(
            open.map(({words, index}) => `zz${index} ${words.join(' ')}`),
          );
          expectSound(subtasks);
          if (kind === 'bullets') return;
          // In a numbered list everything under an item comes before everything under the next one beside it.
          const byId = new Map(subtasks.map(each => [each.id, each]));
          const comesAfter = (one: Subtask, other: Subtask): boolean =>
            one.dependencies.some(id => id === other.id || comesAfter(byId.get(id)!, other));
          for (const [at, one] of subtasks.entries()) {
            for (const other of subtasks.slice(0, at))
              expect(comesAfter(one, other) || comesAfter(other, one)).toBe(true);
          }
        },
      ),
    );
  });

  test('10,000 items, deep nesting and long lines are read in time', () => {
    const many = read(
      Array.from({length: 10_000}, (_, index) => `${index + 1}. item ${index} (after ${index})`).join('\n'),
    );
    expect(many.subtasks).toHaveLength(10_000);
    expect(many.subtasks.at(-1)?.dependencies).toHaveLength(1);
    const deep = read(
      Array.from(
        {length: 1500},
        (_, index) => `${' '.repeat(index)}- [${index % 3 === 0 ? 'x' : ' '}] level ${index}`,
      ).join('\n'),
    );
    expect(deep.subtasks).toHaveLength(1000);
    expectSound(deep.subtasks.slice(-1).map(each => ({...each, dependencies: []})));
    expect(
      read(`- ${'after a '.repeat(100_000)}\n- ${'('.repeat(100_000)}\n- ${'every a in '.repeat(50_000)}`).subtasks,
    ).toHaveLength(3);
    expect(read('a. '.repeat(300_000)).kind).toBe('needs-model');
    expect(read('!'.repeat(300_000)).kind).toBe('needs-model');
    const fan = `## 1. a\n${'- x\n'.repeat(2000)}## 2. b\n${'- y\n'.repeat(2000)}`;
    expect(read(fan)).toMatchObject({kind: 'refused'});
    expect(read('x'.repeat(4_000_001))).toMatchObject({kind: 'refused'});
    expect(read('- a', {parallelism: 0})).toMatchObject({kind: 'refused'});
    expect(read(' \n')).toMatchObject({kind: 'refused', because: 'the text is empty'});
  });
});
