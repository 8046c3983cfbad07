import type {Call, Conversation, Reply, Turn} from './conversation.ts';
import {type Directive, directivesOf} from './directives.ts';
import {callsFor, WRONG_ARGUMENT} from './tool-calls.ts';

/** Says what the model answers. It knows nothing but the conversation, so a resumed session goes on where it was. */
export type Script = (conversation: Conversation) => Reply;

/** Follows the directives of the last prompt that has any: one tool call a turn, then a short message. */
export const followDirectives: Script = conversation => {
  const {directives, after} = orderOf(conversation.turns);
  if (directives.some(directive => directive.do === 'refuse')) {
    return {text: 'I cannot help with that.', calls: [], refusal: true};
  }
  const calls: Call[] = [];
  const cannot: string[] = [];
  for (const directive of directives) {
    const some = callsFor(directive, conversation.tools);
    if (some === null) cannot.push(directive.do);
    else calls.push(...some);
  }
  const next = calls[callsMade(after)];
  if (next !== undefined) return {text: '', calls: [next], refusal: false};
  return {text: lastWords({conversation, directives, after, cannot}), calls: [], refusal: false};
};

/** The directives that count, and what has happened since they were given. */
export function orderOf(turns: readonly Turn[]): {directives: readonly Directive[]; after: readonly Turn[]} {
  for (let at = turns.length - 1; at >= 0; at -= 1) {
    const turn = turns[at];
    const directives = turn?.role === 'user' ? directivesOf(turn.text) : [];
    if (directives.length > 0) return {directives, after: turns.slice(at + 1)};
  }
  return {directives: [], after: []};
}

/** Those that a fault put in do not count: the model tries again what it wanted. */
function callsMade(turns: readonly Turn[]): number {
  const calls = turns.flatMap(turn => (turn.role === 'assistant' ? turn.calls : []));
  return calls.filter(({input}) => typeof input === 'string' || input[WRONG_ARGUMENT] !== 'fault').length;
}

function lastWords(state: {
  conversation: Conversation;
  directives: readonly Directive[];
  after: readonly Turn[];
  cannot: readonly string[];
}): string {
  const answers = state.directives.flatMap(directive => (directive.do === 'answer' ? [directive.text] : []));
  if (answers.length > 0) return answers.join('\n');
  if (state.conversation.wantsJson) return '{}';
  if (state.cannot.length > 0) return `I have no tool to ${state.cannot.join(' or ')}.`;
  const last = state.after.findLast(turn => turn.role === 'result');
  if (last?.failed) return `I could not do it: ${last.text.slice(0, 200)}`;
  return state.directives.length > 0 ? 'Done as asked.' : 'I see nothing to do.';
}
