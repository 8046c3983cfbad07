import {describe, expect, it} from 'vitest';
import {findExpressions} from '../../src/plan/expressions.ts';
import {referToVariables} from '../../src/plan/shell-quotes.ts';

function refer(script: string): string {
  const places = findExpressions(script);
  if (!places.ok) return places.failure.message;
  const result = referToVariables(script, {places: places.value, variableOf: () => 'V'});
  return result.ok ? result.value : `${result.failure.message} | ${result.failure.hint ?? ''}`;
}

describe('a reference to the item in a script', () => {
  it.each([
    ['echo ${{ item }}', 'echo "${V}"'],
    ['echo "a ${{ item }}"', 'echo "a ${V}"'],
    ["echo 'a ${{ item }}'", `echo 'a '"\${V}"''`],
    ["echo it\\'s ${{ item }}", `echo it\\'s "\${V}"`],
    ["# it's\necho ${{ item }}", '# it\'s\necho "${V}"'],
    ['echo "$(echo ${{ item }})"', 'echo "$(echo "${V}")"'],
    ['cat <<E\n${{ item }}\nE\necho ${{ item }}', 'cat <<E\n${V}\nE\necho "${V}"'],
  ])('%j becomes %j', (script, expected) => {
    expect(refer(script)).toBe(expected);
  });

  it.each([
    ["cat <<'E'\n${{ item }}\nE", "in a here-document whose delimiter is quoted (<<'E')"],
    ['cat <<\\E\n${{ item }}\nE', 'in a here-document whose delimiter is quoted'],
    ['echo $((1 + ${{ item }}))', 'inside arithmetic'],
    ['(( x = ${{ item }} ))', 'inside arithmetic'],
    ['echo $[${{ item }}]', 'inside arithmetic'],
    ['a[${{ item }}]=1', 'a subscript'],
    ['echo ${x:-${{ item }}}', 'inside a shell expansion ${…} | assign it to a variable first: value=${{ item }}'],
    ['echo `echo ${{ item }}`', 'inside backticks | write $(…) instead'],
    ["echo $'a ${{ item }}'", "inside $'…'"],
    ['echo "$${{ item }}"', 'right after `\\`, `$` or `<<`'],
    ['echo \\${{ item }}', 'right after `\\`, `$` or `<<`'],
    ['cat <<${{ item }}', 'right after `\\`, `$` or `<<`'],
    ['echo "${x:-it\'s}" ${{ item }}', 'which sh and bash read differently'],
  ])('%j is refused with the fix', (script, expected) => {
    expect(refer(script)).toContain(`\`\${{ item }}\` cannot stand`);
    expect(refer(script)).toContain(expected);
  });
});
