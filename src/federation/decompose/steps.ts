import {orderWord, withoutOrderWord} from './order-words.ts';

/** A step of a text that tells steps in sentences, and the line it begins in. */
export interface Step {
  readonly text: string;
  readonly line: number;
}

export interface Steps {
  /** In the order in which they are to be done. */
  readonly steps: readonly Step[];
  /** Sentences that are no steps. */
  readonly rest: readonly string[];
}

const SENTENCE = /[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*(?:[.!?]+|$|(?=\n))/gu;
/** `, then …`, `; after that …`, `and finally …` */
const JOINT = /(?:\s*[,;]\s*(?:and\s+)?|\s+and\s+)(?=(?:then|after that|after ?wards?|finally|lastly|next,?|last,)\s)/i;
const LEADING = /^(?<how>after|before|once)\s+(?<one>[^,]{3,200}),\s+(?<two>.+)$/is;
const CONDITION = /\b(?:if|when|whenever|unless|while|as soon as)\b/i;
/** What work begins with; a sentence about something else begins with something else. */
const VERBS =
  'add|adapt|adjust|analy[sz]e|apply|audit|benchmark|build|bump|change|check|clean|combine|configure|convert|copy|create|cut|debug|define|delete|deploy|deprecate|design|document|drop|enable|expose|extend|extract|fetch|find|finish|fix|format|generate|implement|improve|inline|install|integrate|introduce|investigate|link|lint|list|make|measure|merge|migrate|modernize|move|optimi[sz]e|parse|port|prepare|profile|publish|push|put|read|rebuild|record|reduce|refactor|release|remove|rename|reorganize|replace|restructure|review|revise|rewrite|run|scaffold|search|set|simplify|sort|split|start|stop|store|switch|sync|tag|test|tidy|translate|tune|turn|update|upgrade|use|validate|verify|wire|wrap|write';
const VERB = new RegExp(`^(?:please\\s+|also\\s+)?(?:re-?)?(?:${VERBS})\\b`, 'i');
/** The same as `adding`, `making`, `setting`. */
const GERUND = new RegExp(`^(?:having\\s+)?(?:${VERBS.split('|').map(gerund).join('|')})\\b`, 'i');

/**
 * The steps of sentences that say their order: `First A, then B. Finally C.`, `After doing A, do B.` In such a text every
 * sentence that begins like work (`add …`, `move …`) is a step, and no other. Null: the text does not say an order of steps.
 */
export function stepsOf(text: string): Steps | null {
  const steps: Step[] = [];
  const rest: string[] = [];
  let hasOrder = false;
  for (const {sentence, line} of sentencesOf(text)) {
    const parts = partsOf(sentence);
    if (!parts.every(part => isWork(part))) {
      rest.push(sentence);
      continue;
    }
    const word = orderWord(sentence);
    if (parts.length > 1 || word === 'then' || word === 'finally') hasOrder = true;
    steps.push(...parts.map(part => ({text: part, line})));
  }
  return hasOrder && steps.length > 1 ? {steps, rest} : null;
}

function partsOf(sentence: string): readonly string[] {
  const {how, one, two} = LEADING.exec(sentence)?.groups ?? {};
  if (how !== undefined && one !== undefined && two !== undefined && GERUND.test(one) && !CONDITION.test(one)) {
    const others = split(two);
    return how.toLowerCase() === 'before' ? [...others, one] : [one, ...others];
  }
  return split(sentence);
}

function split(text: string): readonly string[] {
  const [first = ''] = text.split(JOINT, 1);
  // `If A, then B` says what to do when, not what to do next.
  if (CONDITION.test(first)) return [text];
  return text.split(JOINT).map(part => part.trim());
}

function isWork(text: string): boolean {
  const bare = withoutOrderWord(text.trim());
  return VERB.test(bare) || GERUND.test(bare);
}

function sentencesOf(text: string): readonly {sentence: string; line: number}[] {
  let line = 1;
  let done = 0;
  // A line that goes on in the next one; places stay where they are.
  const paragraphs = text.replaceAll(/(?<!\n)\n(?!\n)/g, ' ');
  return [...paragraphs.matchAll(SENTENCE)].flatMap(match => {
    for (; done < match.index; done += 1) if (text.charCodeAt(done) === 10) line += 1;
    const sentence = match[0].trim();
    return sentence === '' ? [] : [{sentence, line}];
  });
}

function gerund(verb: string): string {
  if (/^(?:set|put|cut|run|stop|drop|split|tag)$/.test(verb)) return `${verb}${verb.slice(-1)}ing`;
  return verb.endsWith('e') ? `${verb.slice(0, -1)}ing` : `${verb}ing`;
}
