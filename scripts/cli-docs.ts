import type {Command, Option} from 'commander';
import {buildProgram} from '../src/cli/program.ts';
import {rangeOf, SETTING_KINDS, SETTING_NAMES, showSetting} from '../src/config/setting-kinds.ts';
import {DEFAULT_SETTINGS} from '../src/config/settings.ts';
import {EXIT_CODES} from '../src/model/exit-code.ts';

/** The text of docs/cli.md, from the definitions that the program itself runs on. */
export function cliDocs(): string {
  const program = buildProgram(() => Promise.resolve());
  const commands = leaves(program, 'godel');
  return `${[
    '# The command line',
    '<!-- Written by scripts/write-cli-docs.ts from the program; change it there. -->',
    'Every command explains itself with `--help`. Results go to standard output, progress and questions to standard error.',
    ...table(
      ['command', 'what it does'],
      commands.map(({name, command}) => [`[\`${name}\`](#${anchor(name)})`, command.summary()]),
    ),
    '## Options of every command',
    ...optionTable(program.options),
    ...commands.flatMap(({name, command}) => commandDocs(name, command)),
    '## Exit codes',
    ...table(
      ['code', 'meaning'],
      Object.values(EXIT_CODES).map(({code, meaning}) => [String(code), meaning]),
    ),
    '## Settings',
    'A setting is taken from `--set key=value`, else from its environment variable, else from `godel.config.yaml` in the project, else from `$XDG_CONFIG_HOME/godel/config.yaml` (`~/.config/godel/config.yaml`), else the default. `godel config show` says which. A running daemon keeps the settings it was started with.',
    '```yaml\n# godel.config.yaml\nmax-agents: 200\nretry-base: 5s\nmin-free-disk: 1GiB\n```',
    ...table(
      ['key', 'variable', 'default', 'may be', 'meaning'],
      SETTING_NAMES.map(name => {
        const kind = SETTING_KINDS[name];
        return [
          `\`${kind.key}\``,
          `\`${kind.env}\``,
          showSetting(kind, DEFAULT_SETTINGS[name]),
          rangeOf(kind),
          kind.meaning,
        ];
      }),
    ),
  ].join('\n\n')}\n`;
}

interface Leaf {
  readonly name: string;
  readonly command: Command;
}

function leaves(parent: Command, prefix: string): readonly Leaf[] {
  return parent
    .createHelp()
    .visibleCommands(parent)
    .flatMap(command => {
      const name = `${prefix} ${command.name()}`;
      const own = isGroup(command) ? [] : [{name, command}];
      return [...own, ...leaves(command, name)];
    });
}

/** Does nothing by itself. */
function isGroup(command: Command): boolean {
  return command.commands.length > 0 && command.registeredArguments.length === 0 && command.options.length === 0;
}

function commandDocs(name: string, command: Command): readonly string[] {
  const words = command.registeredArguments.map(argument => {
    const word = argument.name().toUpperCase();
    return argument.required ? word : `[${word}]`;
  });
  const visible = command.options.filter(option => !option.hidden);
  const usage = [name, ...words, ...(visible.length > 0 ? ['[options]'] : [])].join(' ');
  return [
    `## \`${name}\``,
    command.description(),
    `\`\`\`\n${usage}\n\`\`\``,
    ...(words.length === 0
      ? []
      : table(
          ['argument', 'meaning'],
          command.registeredArguments.map(each => [each.name().toUpperCase(), each.description]),
        )),
    ...optionTable(visible),
    examplesOf(command),
  ];
}

function optionTable(options: readonly Option[]): readonly string[] {
  if (options.length === 0) return [];
  return table(
    ['option', 'meaning'],
    options.map(({flags, description, defaultValue}) => [
      `\`${flags}\``,
      typeof defaultValue === 'number' ? `${description} (default: ${defaultValue})` : description,
    ]),
  );
}

/** What the program prints after the options in its help. */
function examplesOf(command: Command): string {
  let help = '';
  command.configureOutput({writeOut: text => (help += text)}).outputHelp();
  const examples = help.split('\nExamples:\n')[1] ?? '';
  const lines = examples.split('\n').map(line => line.replace(/^ {2}\$ /, ''));
  return `\`\`\`sh\n${lines.join('\n').trim()}\n\`\`\``;
}

/** Columns padded to their widest cell, as the formatter wants them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const escaped = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...escaped.map(row => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = [], ...rest] = escaped;
  return [[line(first), line(widths.map(width => '-'.repeat(width))), ...rest.map(line)].join('\n')];
}

function anchor(name: string): string {
  return name.replaceAll(' ', '-');
}
