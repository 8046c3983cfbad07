import {readFileSync} from 'node:fs';
import {findProject, lockFile} from './installed.mjs';

/** Exits 0 when report.json lists exactly what npm's lock file lists and its totals add up. Counts for itself. */
const {totals, packages} = JSON.parse(readFileSync('report.json', 'utf8'));
const lock = JSON.parse(readFileSync(lockFile(findProject(process.cwd())), 'utf8')).packages;
const locked = Object.keys(lock).filter(path => path !== '');
const reported = new Map(packages.map(one => [one.path, one]));

const wrong = [
  ...locked.filter(path => !reported.has(path)).map(path => `${path} is missing from the report`),
  ...locked
    .filter(path => differs(lock[path].version, reported.get(path)?.version))
    .map(path => `${path} has another version`),
  ...(totals.packages === locked.length ? [] : [`the report counts ${totals.packages} packages, npm ${locked.length}`]),
  ...(reported.size === packages.length ? [] : ['a package is listed twice']),
  ...(totals.checked + totals.absent + totals.failed === totals.packages ? [] : ['the totals do not add up']),
  ...(readFileSync('report.md', 'utf8').includes(`${locked.length} packages`) ? [] : ['report.md gives another total']),
];
for (const one of wrong) console.error(one);
process.exitCode = wrong.length === 0 ? 0 : 1;

function differs(locked, reported) {
  return locked !== undefined && reported !== undefined && locked !== reported;
}
