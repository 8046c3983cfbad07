import type {Argument, Command, Option} from 'commander';

export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** What only the project knows. `subject`: a task or an agent. */
export type Lookup = 'memory' | 'team' | 'task' | 'agent' | 'subject' | 'group' | 'runtime';

/** What may stand where the cursor is. */
export interface Wanted {
  readonly kind: 'words' | 'files' | 'folders';
  readonly candidates: readonly Candidate[];
  readonly lookups: readonly Lookup[];
  /** Where teams may be left out: what their tasks or agents are asked of; null: of the team there is. */
  readonly team: string | null;
  /** What stands before the value in the word, as in `--plan=`. */
  readonly before: string;
  /** The word as far as it was typed. */
  readonly begun: string;
  /** Given with the words so far. */
  readonly project: string | null;
}

interface Read {
  readonly command: Command;
  /** From the program to the command. */
  readonly path: readonly Command[];
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  /** The option whose value the last word is. */
  readonly open: Option | null;
  /** After `--` nothing is an option. */
  readonly isPlain: boolean;
}

/** What the last of the words may become, by the definitions of the program. */
export function wanted(program: Command, words: readonly string[]): Wanted {
  const last = words.at(-1) ?? '';
  const read = readWords(program, words.slice(0, -1));
  const base = {
    candidates: [],
    lookups: [],
    before: '',
    begun: last,
    team: read.options.get('--team') ?? null,
    project: read.options.get('--project') ?? null,
  };
  if (read.open) return {...base, ...ofOption(read.open)};
  if (!read.isPlain && last.startsWith('-')) {
    const name = last.slice(0, last.indexOf('=') + 1).slice(0, -1);
    const option = name === '' ? undefined : optionNamed(read.path, name);
    if (option) return {...base, ...ofOption(option), before: `${name}=`};
    return {...base, kind: 'words', candidates: optionsOf(read.path)};
  }
  return {...base, ...ofPlace(read)};
}

function readWords(program: Command, words: readonly string[]): Read {
  const path = [program];
  const positionals: string[] = [];
  const options = new Map<string, string>();
  let command = program;
  let open: Option | null = null;
  let isPlain = false;
  for (const word of words) {
    if (open) {
      options.set(open.long ?? '', word);
      open = null;
    } else if (!isPlain && word === '--') isPlain = true;
    else if (!isPlain && word.startsWith('-')) {
      const [name = '', value] = word.split(/=(.*)/s);
      const option = optionNamed(path, name);
      if (option && value !== undefined) options.set(option.long ?? '', value);
      else if (option && takesValue(option)) open = option;
    } else {
      const next = positionals.length === 0 ? command.commands.find(each => each.name() === word) : undefined;
      if (next) path.push((command = next));
      else positionals.push(word);
    }
  }
  return {command, path, positionals, options, open, isPlain};
}

function ofPlace({command, positionals}: Read): Partial<Wanted> & Pick<Wanted, 'kind'> {
  const commands = positionals.length === 0 ? visible(command.commands) : [];
  const candidates = commands.map(each => ({value: each.name(), about: each.summary() || each.description()}));
  const all = command.registeredArguments;
  const index = Math.min(positionals.length, all.length - 1);
  const argument = all[index];
  if (!argument || (index < positionals.length && !argument.variadic)) return {kind: 'words', candidates};
  const {kind, lookups = [], candidates: choices = []} = ofArgument(argument);
  const next = all[index + 1];
  // The name of the only team may be left out.
  const skipped = lookups[0] === 'team' && next ? (ofArgument(next).lookups ?? []) : [];
  const team = positionals[0];
  return {
    kind,
    candidates: [...candidates, ...choices],
    lookups: [...lookups, ...skipped],
    ...(team === undefined || lookups[0] === 'team' ? {} : {team}),
  };
}

type Values = Pick<Wanted, 'kind'> & Partial<Pick<Wanted, 'lookups' | 'candidates'>>;

const ARGUMENTS: Readonly<Record<string, Lookup>> = {
  name: 'team',
  task: 'task',
  agent: 'agent',
  id: 'agent',
  'task-or-agent': 'subject',
  memory: 'memory',
};

function ofArgument(argument: Argument): Values {
  if (argument.argChoices) return choices(argument.argChoices);
  if (argument.name() === 'file') return {kind: 'files'};
  const lookup = ARGUMENTS[argument.name()];
  return {kind: 'words', lookups: lookup ? [lookup] : []};
}

const OPTIONS: Readonly<Record<string, Lookup>> = {'--team': 'team', '--group': 'group', '--runtime': 'runtime'};

function ofOption(option: Option): Values {
  if (option.argChoices) return choices(option.argChoices);
  if (option.flags.includes('<file>')) return {kind: 'files'};
  if (option.flags.includes('<dir>')) return {kind: 'folders'};
  const lookup = OPTIONS[option.long ?? ''];
  return {kind: 'words', lookups: lookup ? [lookup] : []};
}

function choices(values: readonly string[]): Values {
  return {kind: 'words', candidates: values.map(value => ({value, about: ''}))};
}

function optionsOf(path: readonly Command[]): readonly Candidate[] {
  const [program] = path;
  const own = path.at(-1)?.options ?? [];
  const all = [...own, ...(path.length > 1 ? (program?.options ?? []) : [])].filter(option => !option.hidden);
  return [
    ...all.map(option => ({value: option.long ?? option.short ?? '', about: option.description})),
    {value: '--help', about: 'show help'},
  ];
}

function optionNamed(path: readonly Command[], name: string): Option | undefined {
  return [...path]
    .reverse()
    .flatMap(({options}) => options)
    .find(({long, short}) => long === name || short === name);
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** Commander does not tell which commands are hidden, but its help leaves them out. */
function visible(commands: readonly Command[]): readonly Command[] {
  const parent = commands[0]?.parent;
  return parent ? parent.createHelp().visibleCommands(parent) : commands;
}
