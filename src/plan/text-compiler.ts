import type {Template} from '../model/task.ts';
import {
  type ExpressionProblem,
  type Reference,
  type Scope,
  findExpressions,
  parseTemplate,
  referenceAt,
} from './expressions.ts';
import {inputVariable} from './inputs.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import {referToVariables} from './shell-quotes.ts';

/** Compiles the texts of one task; gathers the variables that its scripts refer to. */
export class TextCompiler {
  readonly expressions: Record<string, Template> = {};
  readonly #nameOf = new Map<string, string>();
  readonly #path: DocumentPath;
  readonly #scope: Scope;
  readonly #report: (problem: Problem) => void;

  constructor({path, scope, report}: {path: DocumentPath; scope: Scope; report: (p: Problem) => void}) {
    this.#path = path;
    this.#scope = scope;
    this.#report = report;
  }

  template(keys: DocumentPath, text: string): Template {
    if (!text.includes('${{')) return [text];
    const template = parseTemplate(text, this.#scope);
    if (template.ok) return template.value;
    this.#complain(keys, template.failure);
    return [];
  }

  key(text: string): Template {
    const template = this.template(['key'], text);
    if (template.every(part => typeof part === 'string') && template.length > 0) {
      const message = 'it is the same for every item';
      this.#complain(['key'], {excerpt: '', message, hint: 'use an expression such as `${{ item.id }}`'});
    }
    return template;
  }

  script(key: string, text: string): string {
    if (!text.includes('${{')) return text;
    const places = findExpressions(text);
    if (!places.ok) return this.#complain([key], places.failure);
    const names = new Map<number, string>();
    let wrong = false;
    for (const place of places.value) {
      const reference = referenceAt(text, {place, scope: this.#scope});
      if (reference.ok) names.set(place.start, this.#variable(reference.value));
      else {
        this.#complain([key], reference.failure);
        wrong = true;
      }
    }
    if (wrong) return '';
    const script = referToVariables(text, {
      places: places.value,
      variableOf: place => names.get(place.start) ?? '',
    });
    return script.ok ? script.value : this.#complain([key], script.failure);
  }

  #variable(reference: Reference): string {
    if (reference.kind === 'input') return inputVariable(reference.name);
    const identity = JSON.stringify(reference.path);
    const known = this.#nameOf.get(identity);
    if (known !== undefined) return known;
    const name = `GODEL_EXPR_${this.#nameOf.size + 1}`;
    this.#nameOf.set(identity, name);
    this.expressions[name] = [{item: reference.path}];
    return name;
  }

  #complain(keys: DocumentPath, {excerpt, message, hint}: ExpressionProblem): '' {
    const path = [...this.#path, ...keys];
    this.#report({
      path,
      at: 'value',
      excerpt,
      message: `${placeName(path)}: ${message}`,
      ...(hint === undefined ? {} : {hint}),
    });
    return '';
  }
}
