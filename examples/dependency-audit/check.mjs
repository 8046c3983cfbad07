import {lstatSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import vm from 'node:vm';
import {checkEntryPoint} from './entry-point.mjs';
import {fail, findProject} from './installed.mjs';
import {satisfies} from './node-range.mjs';

/** Audits the package in GODEL_ITEM, an element of what list.mjs prints, and prints what it found as a JSON object. */
const item = JSON.parse(process.env.GODEL_ITEM ?? 'null');
if (vm.SourceTextModule === undefined) fail('Start this script with node --experimental-vm-modules.');
if (item === null) fail('GODEL_ITEM is not set: this script audits one element of what list.mjs prints.');
console.log(JSON.stringify(audit(item, join(findProject(process.cwd()), item.path))));

function audit(item, folder) {
  const {path, name, version, link} = item;
  const same = {path, name, version, deprecated: item.deprecated ?? null};
  const entry = lstatSync(folder, {throwIfNoEntry: false});
  if (entry === undefined) return notOnDisk(item, same);
  if (statSync(folder, {throwIfNoEntry: false})?.isDirectory() !== true)
    fail(`${path} is not a folder. Run npm ci again.`);

  const manifest = readManifest(folder);
  const problems = [];
  if (manifest.problem !== undefined) problems.push(manifest.problem);
  if (manifest.name !== undefined && manifest.name !== name) problems.push(`package.json calls it ${manifest.name}`);
  if (version !== null && manifest.version !== undefined && manifest.version !== version) {
    problems.push(`package.json has version ${manifest.version}, npm installed ${version}`);
  }
  return {
    ...same,
    version: version ?? manifest.version ?? null,
    state: link ? 'link' : 'installed',
    licence: licenceOf(manifest, folder),
    engines: enginesOf(manifest),
    size: link ? null : sizeOf(folder),
    installScripts: installScriptsOf(manifest, folder),
    entryPoint: checkEntryPoint(folder, manifest),
    problems,
  };
}

/** npm leaves out optional packages, mostly those for other platforms. Any other one that is not there is damage. */
function notOnDisk({optional, path}, same) {
  if (optional === undefined) fail(`${path} is in npm's lock file but not on disk. Run npm ci again.`);
  const platform = Object.values(optional).flat().join(', ');
  return {...same, state: 'absent', note: platform === '' ? 'optional' : `optional, for ${platform}`};
}

function readManifest(folder) {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8').replace(/^\uFEFF/, ''));
    if (typeof manifest === 'object' && manifest !== null) return manifest;
    return {problem: 'package.json is not an object'};
  } catch (error) {
    return {problem: error.code === 'ENOENT' ? 'no package.json' : `package.json is not readable: ${error.message}`};
  }
}

/** The SPDX expression where the package gives one, else what it has: the name of a licence file, or null. */
function licenceOf({license, licenses}, folder) {
  const given = [license ?? licenses].flat().map(one => (typeof one === 'string' ? one : one?.type));
  const names = given.filter(name => typeof name === 'string' && name !== '');
  if (names.length > 0) return names.join(' OR ');
  const file = readdirSync(folder).find(name => /^(licen[cs]e|copying)\b/i.test(name));
  return file === undefined ? null : `see ${file}`;
}

function enginesOf({engines}) {
  const range = typeof engines?.node === 'string' ? engines.node : null;
  return {node: range, satisfied: range === null ? null : satisfies(process.version, range)};
}

/** Its files without the packages nested in its own node_modules, which are audited by themselves. Links are not followed. */
function sizeOf(folder) {
  const sum = {files: 0, bytes: 0, bytesOnDisk: 0};
  const open = readdirSync(folder)
    .filter(name => name !== 'node_modules')
    .map(name => join(folder, name));
  while (open.length > 0) {
    const path = open.pop();
    const stat = lstatSync(path);
    if (stat.isDirectory()) open.push(...readdirSync(path).map(name => join(path, name)));
    else {
      sum.files += 1;
      sum.bytes += stat.size;
      sum.bytesOnDisk += stat.blocks * 512;
    }
  }
  return sum;
}

/** The scripts that npm runs when it installs the package. A binding.gyp without a script of its own means node-gyp. */
function installScriptsOf({scripts}, folder) {
  const own = ['preinstall', 'install', 'postinstall'].filter(name => typeof scripts?.[name] === 'string');
  if (own.length > 0 && own.some(name => name !== 'postinstall')) return own;
  const gyp = statSync(join(folder, 'binding.gyp'), {throwIfNoEntry: false});
  return gyp === undefined ? own : ['binding.gyp', ...own];
}
