import {expect, test} from 'vitest';
import {readEarlyOptions} from '../../src/cli/global-options.ts';
import {buildProgram} from '../../src/cli/program.ts';
import {codeBlocks, pages} from './pages.ts';

/** Every `godel …` in a shell block of the pages, with where it stands. */
const lines = pages()
  .flatMap(codeBlocks)
  .filter(({language}) => ['sh', 'shell', 'bash', 'console'].includes(language))
  .flatMap(({path, line, code}) =>
    commandsOf(code).map(command => [`${path}:${line}`, command.join(' '), command] as const),
  );

test('the pages show command lines', () => {
  expect(lines.length).toBeGreaterThan(10);
});

test.each(lines)('%s: the program understands `%s`', async (_place, _text, command) => {
  const ran: string[] = [];
  const program = buildProgram(() => {
    ran.push('action');
    return Promise.resolve();
  });
  quiet(program);
  await program.parseAsync([...readEarlyOptions(command.slice(1)).args], {from: 'user'}).catch((error: unknown) => {
    const {code} = error as {code?: string};
    if (code !== 'commander.helpDisplayed') throw error;
    ran.push('help');
  });
  expect(ran).toHaveLength(1);
});

function quiet(command: ReturnType<typeof buildProgram>): void {
  command.exitOverride().configureOutput({writeOut: () => undefined, writeErr: () => undefined});
  command.commands.forEach(quiet);
}

/** Splits shell text into commands and keeps those that call godel. Understands quotes, comments, `|`, `&&`, `;` and `<`. */
function commandsOf(code: string): readonly (readonly string[])[] {
  return code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap(line => split(line.replace(/^\$ /, '')))
    .map(words => (words[0] === 'npx' ? words.slice(1) : words))
    .filter(words => words[0] === 'godel');
}

function split(line: string): string[][] {
  const tokens = [...line.matchAll(/'([^']*)'|"([^"]*)"|(&&|\|\||[|;&])|(#.*)|([<>]+\s*\S+)|([^\s'"|;&<>#]+)/g)];
  const commands: string[][] = [[]];
  for (const [, single, double, operator, , , bare] of tokens) {
    const word = single ?? double ?? bare;
    if (operator !== undefined) commands.push([]);
    else if (word !== undefined) commands.at(-1)!.push(word);
  }
  return commands;
}
