import {closeSync, fstatSync, openSync, readSync} from 'node:fs';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure, PlanProblem} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {checkDocument} from './check-document.ts';
import {type GivenInputs, withInputs} from './inputs.ts';
import {readJson} from './json-source.ts';
import {MAX_PROBLEMS, type Problem} from './problem.ts';
import {type SourceDocument, type TextProblem, positionAt} from './source-place.ts';
import {readYaml} from './yaml-source.ts';

/** A plan read from a file: the document to send to the daemon (its inputs have the values chosen), the plan, and what is probably not meant. */
export interface ParsedPlan {
  readonly document: unknown;
  readonly plan: Plan;
  /** Files of variables, as written: relative to the plan. */
  readonly envFiles: readonly string[];
  readonly warnings: readonly PlanProblem[];
  /** In which line it begins to say what is said of the whole, by key. */
  readonly lines: Readonly<Record<string, number>>;
}

const MAX_FILE_BYTES = 50_000_000;
/** YAML takes a hundred times its size in memory while it is read. */
const MAX_YAML_BYTES = 20_000_000;

export interface PlanOptions {
  /** What was chosen for the plan's inputs. Absent: the plan is only looked at, so none has to be chosen. */
  readonly inputs?: GivenInputs;
}

/** Reads and checks a plan file (also a pipe), synchronously. */
export function readPlan(file: string, options: PlanOptions = {}): Result<ParsedPlan, Failure> {
  let bytes: Buffer | null;
  try {
    bytes = readBounded(file);
  } catch (error) {
    const {detail, hint} = ioDetail(error);
    return unreadable(file, detail, hint);
  }
  if (bytes === null) {
    return unreadable(
      file,
      `it is larger than ${megabytes(MAX_FILE_BYTES)}`,
      'put long lists into a file that a task prints, and go over it with `foreach`',
    );
  }
  return parsePlan({file, bytes, ...options});
}

/** Checks the bytes of a plan file, YAML 1.2 or JSON; every problem has its line and column. */
export function parsePlan({
  file,
  bytes,
  inputs,
}: {readonly file: string; readonly bytes: Uint8Array} & PlanOptions): Result<ParsedPlan, Failure> {
  const text = decode(bytes);
  if (!text.ok) return unreadable(file, text.failure.detail, text.failure.hint);
  if (!/^[ \t]*[^\s#]/m.test(text.value)) {
    return unreadable(file, 'it is empty', 'a plan begins with `version: 1` and has `tasks`');
  }
  const json = readJson(text.value);
  if (!json && bytes.length > MAX_YAML_BYTES) {
    return unreadable(
      file,
      `it is larger than ${megabytes(MAX_YAML_BYTES)}`,
      `a plan of up to ${megabytes(MAX_FILE_BYTES)} is read when it is JSON`,
    );
  }
  const source = json ?? readYaml(text.value);
  if (!source.ok) return invalid(file, placed(text.value, source.failure));
  const {plan, inputs: values, envFiles, problems} = checkDocument(source.value.document, inputs);
  if (!plan) {
    const places = placed(text.value, textProblems(source.value, problems.errors));
    return invalid(file, places, problems.omitted);
  }
  const warnings = [...source.value.warnings, ...textProblems(source.value, problems.warnings)];
  const document = inputs ? withInputs(source.value.document, values) : source.value.document;
  return ok({
    document,
    plan,
    envFiles,
    warnings: placed(text.value, warnings),
    lines: linesOf(text.value, source.value),
  });
}

function linesOf(text: string, source: SourceDocument): Readonly<Record<string, number>> {
  const keys = Object.keys(source.document ?? {});
  const offsets = source.locate(keys.map(key => ({path: [key], at: 'key', message: ''})));
  return Object.fromEntries(keys.map((key, index) => [key, positionAt(text, offsets[index] ?? 0).line]));
}

function textProblems(source: SourceDocument, problems: readonly Problem[]): readonly TextProblem[] {
  const offsets = problems.length === 0 ? [] : source.locate(problems);
  return problems.map(({message, hint}, index) => {
    return {offset: offsets[index] ?? 0, message, ...(hint === undefined ? {} : {hint})};
  });
}

/** In the order of the text. */
function placed(text: string, problems: readonly TextProblem[]): readonly PlanProblem[] {
  const inOrder = [...problems].sort((a, b) => a.offset - b.offset);
  return inOrder.map(({offset, ...problem}) => ({...problem, ...positionAt(text, offset)}));
}

function decode(bytes: Uint8Array): Result<string, {detail: string; hint: string}> {
  const [first, second] = bytes;
  const hint = 'a plan is YAML or JSON text in UTF-8';
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return fail({detail: 'it is in UTF-16', hint: 'save it as UTF-8'});
  }
  if (bytes.includes(0)) return fail({detail: 'it is not text: it has a NUL byte', hint});
  try {
    return ok(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch {
    return fail({detail: 'it is not text in UTF-8', hint});
  }
}

/** The bytes of the file; null when there are more than `MAX_FILE_BYTES`, which is noticed without reading them all. */
function readBounded(file: string): Buffer | null {
  const descriptor = openSync(file, 'r');
  try {
    if (fstatSync(descriptor).size > MAX_FILE_BYTES) return null;
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const chunk = Buffer.allocUnsafe(1 << 20);
      const length = readSync(descriptor, chunk);
      if (length === 0) return Buffer.concat(chunks, size);
      size += length;
      if (size > MAX_FILE_BYTES) return null;
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}

function ioDetail(error: unknown): {readonly detail: string; readonly hint?: string} {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return {detail: 'it does not exist', hint: 'check the path, or the folder you are in'};
  if (code === 'EISDIR')
    return {detail: 'it is a directory', hint: 'name the plan file in it, for example `godel.yaml`'};
  if (code === 'EACCES' || code === 'EPERM')
    return {detail: 'it may not be read by you', hint: 'check its permissions'};
  return {detail: `it cannot be read: ${error instanceof Error ? error.message : String(error)}`};
}

function unreadable(file: string, detail: string, hint?: string): {readonly ok: false; readonly failure: Failure} {
  return fail({reason: 'plan-unreadable', file, detail, ...(hint === undefined ? {} : {hint})});
}

function invalid(
  file: string,
  problems: readonly PlanProblem[],
  omitted = 0,
): {readonly ok: false; readonly failure: Failure} {
  const more = Math.max(0, problems.length - MAX_PROBLEMS);
  return fail({reason: 'plan-invalid', file, problems: problems.slice(0, MAX_PROBLEMS), omitted: omitted + more});
}

function megabytes(bytes: number): string {
  return `${bytes / 1_000_000} MB`;
}
