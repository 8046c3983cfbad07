import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {MergeResult} from '../../src/model/work.ts';
import {type Content, MergeRig} from './merge-rig.ts';

/** The lines of each file; every line is there once in all of them. */
type Files = Readonly<Record<string, readonly string[]>>;

interface LineEdit {
  readonly kind: 'replace' | 'insert' | 'delete';
  readonly file: number;
  readonly at: number;
  readonly span: number;
}

interface FileEdit {
  readonly kind: 'remove-file' | 'rename-file';
  readonly file: number;
}

const lineEdit = fc.record({
  kind: fc.constantFrom('replace' as const, 'insert' as const, 'delete' as const),
  file: fc.nat(3),
  at: fc.nat(39),
  span: fc.integer({min: 1, max: 4}),
});
const fileEdit = fc.record({kind: fc.constantFrom('remove-file' as const, 'rename-file' as const), file: fc.nat(3)});
const edit: fc.Arbitrary<LineEdit | FileEdit> = fc.oneof(
  {weight: 12, arbitrary: lineEdit},
  {weight: 1, arbitrary: fileEdit},
);
const writer = fc.record({
  edits: fc.array(edit, {minLength: 1, maxLength: 3}),
  /** Whether it starts from the branch as it is by then, when not with the others from the base. */
  starts: fc.constantFrom('base' as const, 'base' as const, 'tip' as const),
});

test('what many writers have written is in the branch, whole, or reported as a conflict', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(writer, {minLength: 4, maxLength: 10}), async writers => {
      const start = Object.fromEntries(
        [0, 1, 2, 3].map(file => [`f${file}`, Array.from({length: 40}, (_, line) => `f${file} line ${line}`)]),
      );
      await using rig = new MergeRig(textsOf({}, start));
      const queue = rig.queue();
      let expected = linesOf(start);
      const waiting: Promise<void>[] = [];
      for (const [index, {edits, starts}] of writers.entries()) {
        if (starts === 'tip') await Promise.all(waiting.splice(0));
        const base = starts === 'tip' ? await queue.tip() : rig.base;
        const before = filesAt(rig, base);
        const after = edits.reduce((files, each, number) => edited(files, each, `w${index}.${number}`), before);
        if (JSON.stringify(after) === JSON.stringify(before)) continue;
        const item = rig.item(textsOf(before, after), {base});
        const merged = queue.merge(item).then(result => {
          expect(['merged', 'conflict'], JSON.stringify(result)).toContain(result.kind);
          if (result.kind !== 'merged') return;
          const [had, has] = [linesOf(before), linesOf(after)];
          expected = new Set([...expected].filter(line => !had.has(line) || has.has(line)));
          for (const line of has) if (!had.has(line)) expected.add(line);
        });
        waiting.push(merged);
      }
      await Promise.all(waiting);
      const lines = Object.values(filesAt(rig, await queue.tip())).flat();
      expect(lines.toSorted()).toEqual([...expected].toSorted());
    }),
    {numRuns: 8},
  );
});

test('writers who keep three lines apart never conflict', {timeout: 120_000}, async () => {
  const kinds = fc.array(fc.constantFrom('replace' as const, 'insert' as const, 'delete' as const), {
    minLength: 10,
    maxLength: 10,
  });
  await fc.assert(
    fc.asyncProperty(kinds, fc.boolean(), async (edits, together) => {
      const start = {f: Array.from({length: 40}, (_, line) => `line ${line}`)};
      await using rig = new MergeRig(textsOf({}, start));
      const queue = rig.queue();
      const items = edits.map((kind, index) =>
        rig.item(textsOf(start, edited(start, {kind, file: 0, at: index * 4, span: 1}, `w${index}`))),
      );
      const results: Promise<MergeResult>[] = [];
      for (const item of items) {
        const merged = queue.merge(item);
        if (!together) await merged;
        results.push(merged);
      }
      expect((await Promise.all(results)).map(({kind}) => kind)).toEqual(items.map(() => 'merged'));
    }),
    {numRuns: 3},
  );
});

function edited(files: Files, edit: LineEdit | FileEdit, name: string): Files {
  const names = Object.keys(files).toSorted();
  const file = names[edit.file % Math.max(1, names.length)];
  if (file === undefined) return files;
  const lines = files[file] ?? [];
  const others = Object.fromEntries(Object.entries(files).filter(([each]) => each !== file));
  if (!('at' in edit)) return edit.kind === 'remove-file' ? others : {...others, [`${file}-${name}`]: lines};
  return {...files, [file]: editedLines(lines, edit, name)};
}

function editedLines(lines: readonly string[], {kind, at, span}: LineEdit, name: string): readonly string[] {
  const fresh = Array.from({length: span}, (_, index) => `${name} writes ${index}`);
  return lines.toSpliced(at % (lines.length + 1), kind === 'insert' ? 0 : span, ...(kind === 'delete' ? [] : fresh));
}

function textsOf(before: Files, after: Files): Record<string, Content> {
  const removed = Object.keys(before).filter(name => !(name in after));
  return {
    ...Object.fromEntries(removed.map(name => [name, null])),
    ...Object.fromEntries(
      Object.entries(after).map(([name, lines]) => [name, lines.map(line => `${line}\n`).join('')]),
    ),
  };
}

function linesOf(files: Files): Set<string> {
  return new Set(Object.values(files).flat());
}

function filesAt(rig: MergeRig, commit: string): Files {
  const names = rig.git(['ls-tree', '-r', '--name-only', commit]).split('\n').filter(Boolean);
  return Object.fromEntries(names.map(name => [name, rig.read(name, commit)?.split('\n').filter(Boolean) ?? []]));
}
