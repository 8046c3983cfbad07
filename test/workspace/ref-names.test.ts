import {execFileSync} from 'node:child_process';
import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {asComponent, branchOf, readRef, refOf} from '../../src/workspace/ref-names.ts';

describe('names of branches and refs', () => {
  test('a plain name stays as it is', () => {
    expect(branchOf('audit-2')).toBe('godel/audit-2');
    expect(refOf({team: 'audit', task: 'prüfen.md', attempt: 12})).toBe('refs/godel/audit/prüfen.md/12');
  });

  test('whatever people type is a valid ref and reads back as it was', () => {
    const names = [
      'a b',
      '..',
      '.',
      'x.lock',
      'x.LOCK',
      'a..b',
      '@',
      'a@{1}',
      'a/b',
      '-x',
      '~^:?*[\\',
      '100%',
      '%41',
      '漢字 🎉',
      '.a.',
    ];
    for (const name of names) {
      const ref = refOf({team: name, task: name, attempt: 1});
      expect(() => execFileSync('git', ['check-ref-format', ref]), name).not.toThrow();
      expect(readRef(ref), name).toEqual({team: name, task: name, attempt: 1});
    }
  });

  test('any text is one component that reads back', () => {
    fc.assert(
      fc.property(fc.string({minLength: 1, maxLength: 40, unit: 'grapheme'}), name => {
        const component = asComponent(name);
        expect(component).not.toMatch(/[\s/~^:?*[\\\u0000-\u001f\u007f]|\.\.|@\{|^\.|\.$|\.lock$|^@$|^-/u);
        if (!component.includes('%-')) {
          expect(readRef(`refs/godel/${component}/${component}/1`)).toEqual({team: name, task: name, attempt: 1});
        }
      }),
    );
  });

  test('one that is too long is cut, and stays different from others that begin alike', () => {
    const [one, other] = [asComponent('ü'.repeat(300)), asComponent(`${'ü'.repeat(300)}b`)];
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(180);
    expect(one).not.toBe(other);
    expect(readRef(`refs/godel/${one}/t/1`)?.team).toMatch(/^ü+…$/);
  });
});
