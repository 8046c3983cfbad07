import {existsSync, readFileSync} from 'node:fs';

/**
 * Prints `N passed, N failed, N skipped` over the JSON reports of vitest given as arguments. A test file that could not
 * be loaded has no tests to count, so it counts as one failure. Exits 1 when anything failed or there is no report at all.
 */
const reports = process.argv.slice(2).filter(file => existsSync(file));
const sum = {passed: 0, failed: 0, skipped: 0};
for (const file of reports) {
  const {numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults} = JSON.parse(
    readFileSync(file, 'utf8'),
  );
  const notLoaded = testResults.filter(
    ({status, assertionResults}) => status === 'failed' && assertionResults.length === 0,
  );
  sum.passed += numPassedTests;
  sum.failed += numFailedTests + notLoaded.length;
  sum.skipped += numPendingTests + numTodoTests;
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && reports.length > 0 ? 0 : 1;
