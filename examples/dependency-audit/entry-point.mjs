import {readFileSync, statSync} from 'node:fs';
import {dirname, extname, join, relative} from 'node:path';
import vm from 'node:vm';

/**
 * What a program gets that imports or requires the package by its name, and whether this Node can parse it. Nothing is
 * run. `parses` is null where the question does not apply, and `note` says why: a package of types, of data or of a native
 * program is neither sound nor broken by this measure.
 */
export function checkEntryPoint(folder, manifest) {
  const found = findEntries(folder, manifest);
  if (found.files === undefined) return {kind: found.kind, parses: null, note: found.note, files: []};
  const files = found.files.map(file => ({file: relative(folder, file), ...parseFile(file, folder)}));
  const judged = files.filter(({parses}) => parses !== null);
  return {
    kind: [...new Set(files.map(({kind}) => kind))].join('+'),
    parses: judged.length === 0 ? null : judged.every(({parses}) => parses),
    ...(found.note === undefined ? {} : {note: found.note}),
    files,
  };
}

function findEntries(folder, manifest) {
  const {exports, main} = manifest;
  if (exports !== undefined && exports !== null) return fromExports(folder, manifest);
  const hasMain = typeof main === 'string' && main !== '';
  const file = (hasMain && resolveFile(join(folder, main))) || resolveFile(join(folder, 'index.js'));
  if (file) return {files: [file]};
  if (hasMain && !hasTypes(folder, manifest)) return {files: [join(folder, main)]};
  return withoutEntry(folder, manifest);
}

/** The targets of `import` and of `require`, which are often two files. */
function fromExports(folder, manifest) {
  const {exports} = manifest;
  const bySubpath = typeof exports === 'object' && Object.keys(exports).some(key => key.startsWith('.'));
  const root = bySubpath ? exports['.'] : exports;
  const targets = ['import', 'require'].map(way =>
    pickTarget(root, new Set([way, 'node', 'default', 'module-sync', 'node-addons'])),
  );
  const files = new Set(targets.filter(target => target !== null).map(target => join(folder, target)));
  if (files.size > 0) return {files: [...files]};
  if (root === undefined && bySubpath) return {kind: 'none', note: 'exports only subpaths'};
  return withoutEntry(folder, manifest);
}

/** A target of `exports` by the rules of Node: the first condition that leads somewhere, the first usable of an array. */
function pickTarget(target, conditions) {
  if (typeof target === 'string') return target.startsWith('./') ? target : null;
  if (typeof target !== 'object' || target === null) return null;
  if (Array.isArray(target)) return target.map(one => pickTarget(one, conditions)).find(one => one !== null) ?? null;
  for (const [condition, inner] of Object.entries(target)) {
    if (!conditions.has(condition)) continue;
    const picked = pickTarget(inner, conditions);
    if (picked !== null || inner === null) return picked;
  }
  return null;
}

/** A package that cannot be imported by its name: its programs are what can be parsed, if they are JavaScript. */
function withoutEntry(folder, manifest) {
  const {bin} = manifest;
  const programs = typeof bin === 'string' ? [bin] : Object.values(bin ?? {});
  const files = [...new Set(programs)].map(program => join(folder, program));
  if (files.length > 0) return {files, note: 'no main entry point: its programs were parsed'};
  if (hasTypes(folder, manifest)) return {kind: 'types', note: 'types only'};
  return {kind: 'none', note: 'no entry point'};
}

function hasTypes(folder, {types, typings, exports}) {
  return (
    [types, typings].some(name => typeof name === 'string') ||
    JSON.stringify(exports ?? '').includes('"types"') ||
    isFile(join(folder, 'index.d.ts'))
  );
}

/** As `require` looks for a path. */
function resolveFile(path) {
  const {main} = readJson(join(path, 'package.json')) ?? {};
  const inFolder =
    typeof main === 'string' ? [join(path, main), `${join(path, main)}.js`, join(path, main, 'index.js')] : [];
  const endings = ['', '.js', '.json', '.node', '/index.js', '/index.json', '/index.node'];
  return [...inFolder, ...endings.map(ending => path + ending)].find(isFile) ?? null;
}

function parseFile(file, folder) {
  if (!isFile(file)) return {kind: 'missing', parses: false, error: 'the file does not exist'};
  const bytes = readFileSync(file);
  const kind = kindOf(file, folder, bytes);
  const parser = PARSERS[kind];
  if (parser === undefined) return {kind, parses: null};
  try {
    return {kind: parser(bytes, file) ?? kind, parses: true};
  } catch (error) {
    return {kind, parses: false, error: `${error.name}: ${error.message}`};
  }
}

const PARSERS = {
  esm: parseModule,
  commonjs: parseCommonJs,
  ambiguous: parseAsNodeGuesses,
  json: bytes => void JSON.parse(bytes.toString().replace(/^\uFEFF/, '')),
  wasm: bytes => void new WebAssembly.Module(bytes),
};

function kindOf(file, folder, bytes) {
  switch (extname(file)) {
    case '.mjs':
      return 'esm';
    case '.cjs':
      return 'commonjs';
    case '.json':
      return 'json';
    case '.wasm':
      return 'wasm';
    case '.node':
      return 'native';
    case '.ts':
    case '.mts':
    case '.cts':
      return 'typescript';
    case '.js':
      return byPackageType(file, folder);
    default:
      return /^#!.*\bnode\b/.test(bytes.subarray(0, 200).toString('latin1')) ? byPackageType(file, folder) : 'other';
  }
}

/** `type` of the nearest package.json, which may lie below the package's own (dist/esm/package.json). */
function byPackageType(file, folder) {
  for (let at = dirname(file); at.startsWith(folder); at = dirname(at)) {
    const manifest = readJson(join(at, 'package.json'));
    if (manifest === null) continue;
    if (manifest.type === 'module') return 'esm';
    return manifest.type === 'commonjs' ? 'commonjs' : 'ambiguous';
  }
  return 'ambiguous';
}

function parseCommonJs(bytes, filename) {
  vm.compileFunction(sourceText(bytes), ['exports', 'require', 'module', '__filename', '__dirname'], {filename});
}

function parseModule(bytes, identifier) {
  new vm.SourceTextModule(sourceText(bytes), {
    identifier,
    initializeImportMeta: () => {},
    importModuleDynamically: () => {},
  });
}

/** Without a `type`, Node takes a file for CommonJS and, when that does not parse, tries it as a module. */
function parseAsNodeGuesses(bytes, file) {
  try {
    parseCommonJs(bytes, file);
    return 'commonjs';
  } catch (error) {
    try {
      parseModule(bytes, file);
    } catch {
      // The first error is about what the file most likely is.
      throw error;
    }
    return 'esm';
  }
}

/** A first line `#!…` becomes a comment of the same length, so that positions stay right. */
function sourceText(bytes) {
  return bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .replace(/^#!/, '//');
}

function isFile(path) {
  return statSync(path, {throwIfNoEntry: false})?.isFile() === true;
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Absent or damaged: either way it says nothing about the entry point.
    return null;
  }
}
