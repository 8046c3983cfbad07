import type {VerifyReport} from '../hub/process/keepings.ts';

export function reportLines(what: string, report: VerifyReport): readonly string[] {
  const {tenants, entries, episodes, contents, findings} = report;
  const counted = `${episodes} episodes in ${entries} entries of ${tenants} tenants`;
  const sealed = contents === 'sealed' ? '; sealed, so only looked at from outside' : '';
  return [`${what}: ${counted}${sealed}.`, ...findings.map(finding => `  ${finding}`)];
}
