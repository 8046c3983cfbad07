import {existsSync, readFileSync} from 'node:fs';

/**
 * Prints what failed, with its first lines, and then `N passed, N failed, N skipped` over the JSON reports of vitest given
 * as arguments. A test file that could not be loaded has no tests to count, so it counts as one failure. Exits 1 when
 * anything failed or there is no report at all.
 */
const shownLines = 30;
const printFailure = (report, file, name, message) =>
  console.log(
    `\nFAILED (${report}) ${file}\n  ${name}\n${String(message ?? '')
      .split('\n')
      .slice(0, shownLines)
      .map(line => `  ${line}`)
      .join('\n')}`,
  );

const reports = process.argv.slice(2).filter(file => existsSync(file));
const sum = {passed: 0, failed: 0, skipped: 0};
for (const file of reports) {
  const {numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults} = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const notLoaded = testResults.filter(
    ({status, assertionResults}) => status === 'failed' && assertionResults.length === 0,
  );
  for (const {name, message} of notLoaded) printFailure(file, name, '(could not be loaded)', message);
  for (const {name, assertionResults} of testResults)
    for (const {status, fullName, failureMessages} of assertionResults)
      if (status === 'failed') printFailure(file, name, fullName, failureMessages.join('\n'));
  sum.passed += numPassedTests;
  sum.failed += numFailedTests + notLoaded.length;
  sum.skipped += numPendingTests + numTodoTests;
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && reports.length > 0 ? 0 : 1;
