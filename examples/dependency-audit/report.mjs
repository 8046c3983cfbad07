import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {fail, findProject, lockFile, readInstalled} from './installed.mjs';
import {toMarkdown} from './markdown.mjs';

/**
 * Joins what the checks found and writes report.json and report.md into the current folder. The packages are those of
 * npm's lock file, not those that happened to deliver: one whose check failed is listed as failed.
 */
const project = findProject(process.cwd());
const found = readFindings(join(process.env.GODEL_INPUTS ?? fail('GODEL_INPUTS is not set.'), 'check'));
const installed = readInstalled(project);
const packages = installed.map(one => joined(one, found.get(one.path)));
const strangers = [...found.keys()].filter(path => !installed.some(one => one.path === path));
if (strangers.length > 0)
  fail(`Checked, but not in ${lockFile(project)}: ${strangers.join(', ')}. Did npm run meanwhile?`);

const report = {v: 1, project, node: process.version, lock: lockFile(project), totals: totalsOf(packages), packages};
writeFileSync('report.json', `${JSON.stringify(report, null, 2)}\n`);
writeFileSync('report.md', toMarkdown(report));

const {totals} = report;
console.log(
  `${totals.packages} packages as in ${lockFile(project)}: ${totals.checked} checked, ${totals.absent} optional and not on disk, ${totals.failed} failed`,
);
console.log(`The report is in ${resolve('report.md')} and report.json beside it.`);

function readFindings(folder) {
  const files = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.json')) : [];
  const findings = files.map(name => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  return new Map(findings.filter(one => typeof one?.path === 'string').map(one => [one.path, one]));
}

function joined({path, name, version}, finding) {
  if (finding === undefined) return {path, name, version, state: 'failed', note: 'its check delivered no result'};
  const changed = finding.name !== name || (version !== null && finding.version !== version);
  if (changed) return {path, name, version, state: 'failed', note: `checked as ${finding.name} ${finding.version}`};
  return finding;
}

function totalsOf(all) {
  const count = test => all.filter(test).length;
  const sum = field => all.reduce((total, one) => total + (one.size?.[field] ?? 0), 0);
  return {
    packages: all.length,
    checked: count(one => one.state === 'installed' || one.state === 'link'),
    absent: count(one => one.state === 'absent'),
    failed: count(one => one.state === 'failed'),
    links: count(one => one.state === 'link'),
    files: sum('files'),
    bytes: sum('bytes'),
    bytesOnDisk: sum('bytesOnDisk'),
    withoutLicence: count(one => one.licence === null),
    enginesNotSatisfied: count(one => one.engines?.satisfied === false),
    withInstallScripts: count(one => (one.installScripts?.length ?? 0) > 0),
    deprecated: count(one => typeof one.deprecated === 'string'),
    entryPointParses: count(one => one.entryPoint?.parses === true),
    entryPointBroken: count(one => one.entryPoint?.parses === false),
    entryPointDoesNotApply: count(one => one.entryPoint?.parses === null),
    withProblems: count(one => (one.problems?.length ?? 0) > 0),
  };
}
