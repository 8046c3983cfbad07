import {applyMentions} from './decompose/apply-mentions.ts';
import {type Draft, draftsOf} from './decompose/drafts.ts';
import {mentionsIn, type Mentions} from './decompose/mentions.ts';
import {orderOf} from './decompose/order.ts';
import {Reading} from './decompose/reading.ts';
import {cleanText, readText, type ReadText} from './decompose/read-text.ts';
import type {Decomposition, RepositoryFiles} from './decompose/subtask.ts';
import {subtasksOf} from './decompose/subtasks.ts';
import {targetOf} from './decompose/targets.ts';
import {widthOf} from './decompose/width.ts';

export interface DecomposeRequest {
  /** What is to be done, in the words of whoever wants it: a sentence, a list, a Markdown file. */
  readonly task: string;
  /** Into how many parts what is to be done for many files is divided; absent: one for each file. */
  readonly parallelism?: number;
}

/** Longer texts are refused. */
export const MAX_TEXT_CHARS = 4_000_000;

/**
 * Takes a task apart along the structure that its text has: lists, order words, headings, `for each file in …`. It never makes
 * anything up: a text without such a structure needs a model, and the answer says so. Pure; the same text gives the same answer.
 */
export class TaskDecomposer {
  readonly #repository: RepositoryFiles | null;

  constructor({repository}: {readonly repository?: RepositoryFiles} = {}) {
    this.#repository = repository ?? null;
  }

  decompose({task, parallelism}: DecomposeRequest): Decomposition {
    const reading = new Reading();
    if (parallelism !== undefined && !(Number.isInteger(parallelism) && parallelism >= 1)) {
      return reading.refused(`parallelism is ${parallelism}, and must be a whole number of at least 1`);
    }
    if (task.length > MAX_TEXT_CHARS) {
      return reading.refused(`the text has ${task.length} characters, and ${MAX_TEXT_CHARS} at most are read`);
    }
    const {text, removed} = cleanText(task);
    reading.cleaned(removed);
    if (text.trim() === '') return reading.refused('the text is empty');
    const read = readText(text);
    if (read.form === 'none') return this.#whole(text, {parallelism, reading});
    reading.form(read);
    return this.#fromItems(read, {parallelism, reading});
  }

  /** A text that is one piece is divided only by the files it is to be done for. */
  #whole(text: string, {parallelism, reading}: Using): Decomposition {
    const draft: Draft = {text: text.trim(), line: 1, context: '', needs: [], hasParts: false, inheritedPriority: 0};
    const target = targetOf(draft, this.#repository);
    if (target.kind === 'once') return reading.needsModel();
    if (target.kind === 'nothing') return reading.refused(`it is to be done for each of many, but ${target.because}`);
    return this.#finish([draft], {parallelism, reading});
  }

  #fromItems(read: ReadText, {parallelism, reading}: Using): Decomposition {
    const {items} = read.outline;
    if (items.every(item => item.isDone)) {
      return reading.refused(`all ${items.length} items are ticked off, so nothing is left to do`);
    }
    const order = orderOf(read.outline);
    const mentions: Mentions = read.form === 'list' ? mentionsIn(items) : {found: [], unknown: []};
    const applied = order && applyMentions({items, order, mentions: mentions.found});
    if (!order || !applied) return reading.refused('its items depend on each other in more than 500,000 ways');
    reading.order(read, order);
    reading.mentions({items, applied, mentions});
    const drafts = draftsOf(read, {needs: applied.needs, hasParts: order.hasParts});
    return this.#finish(drafts, {parallelism, reading});
  }

  #finish(drafts: readonly (Draft | null)[], {parallelism, reading}: Using): Decomposition {
    const subtasks = subtasksOf(drafts, {repository: this.#repository, parallelism, reading});
    return {kind: 'subtasks', subtasks, reading: reading.lines, width: widthOf(subtasks)};
  }
}

interface Using {
  readonly parallelism: number | undefined;
  readonly reading: Reading;
}
