import {expect, test} from 'vitest';
import {tellingLine} from '../../src/model/telling-line.ts';

const NODE_CRASH = `reading package.json
/app/check.mjs:3
throw new TypeError('no licence: left-pad');
      ^

TypeError: no licence: left-pad
    at file:///app/check.mjs:3:7
    at ModuleJob.run (node:internal/modules/esm/module_job:325:25)

Node.js v20.20.2
`;

test.each([
  ['a crashed Node program', NODE_CRASH, 'TypeError: no licence: left-pad'],
  [
    'a module that is missing',
    "node:internal/modules/cjs/loader:1210\n  throw err;\n\nError: Cannot find module 'x'\n    at y\n  code: 'MODULE_NOT_FOUND',\n}\n\nNode.js v20.20.2\n",
    "Error: Cannot find module 'x'",
  ],
  ['an error with a code', 'Error [ERR_X]: wrong\n    at z\n\nNode.js v22.1.0', 'Error [ERR_X]: wrong'],
  ['a Python traceback', 'Traceback (most recent call last):\n  File "x"\nValueError: bad\n', 'ValueError: bad'],
  [
    'a Java trace',
    'java.lang.IllegalStateException: no\n\tat a.b.C(D.java:1)\n',
    'java.lang.IllegalStateException: no',
  ],
  [
    'a compiler',
    'main.c:3:1: error: expected x\n    3 | }\n      | ^\n1 warning generated.\n',
    'main.c:3:1: error: expected x',
  ],
  ['npm', 'npm error code E404\nnpm error A complete log of this run can be found in: /x\n', 'npm error code E404'],
  ['git', 'fatal: not a git repository\nhint: git init\n', 'fatal: not a git repository'],
  ['several', 'Error: first\nError: second\n', 'Error: second'],
  ['no error in sight', 'checked 3 files\n2 errors found\n\n', '2 errors found'],
  ['only the version', 'done\n\nNode.js v20.20.2\n', 'done'],
  ['nothing else at all', 'Node.js v20.20.2\n', 'Node.js v20.20.2'],
  ['a line that was rewritten', '10 %\r100 %\rError: full\n', 'Error: full'],
  ['colours', '\u001b[31merror:\u001b[0m red\nbye\n', 'error: red'],
])('of the output of %s the telling line is shown', (_name, output, line) => {
  expect(tellingLine(output, 300)).toBe(line);
});

test('nothing was printed, and a line is cut', () => {
  expect(tellingLine(' \n\n', 300)).toBeNull();
  expect(tellingLine(`Error: ${'x'.repeat(400)}`, 300)).toHaveLength(300);
});
