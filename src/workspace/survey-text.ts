import type {Survey} from './survey.ts';

const MAX_CHARS = 8000;
const MAX_ROWS = 25;
const MAX_LINE = 120;

/** What somebody who plans work in a repository wants to know first, as a few lines; bounded whatever the repository. */
export function surveyText(found: Survey, packages: readonly string[]): string {
  const {files, omitted, history, test} = found;
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  const tests = files.filter(({path}) => /(?:^|[/._-])(?:tests?|specs?|__tests__)(?:[/._-]|$)/i.test(path));
  const parts = [
    `${files.length + omitted} files${bytes > 0 ? `, ${Math.ceil(bytes / 1024)} KiB` : ''}; ${tests.length} of them look like tests.`,
    test === null ? 'No command for its tests was found.' : `Its tests are run with: ${test}`,
    table(
      'Kinds of files',
      countBy(files, ({path}) => /\.[A-Za-z0-9]{1,8}$/.exec(path)?.[0] ?? 'without ending'),
    ),
    table(
      'Folders',
      countBy(files, ({path}) => topFolder(path)),
    ),
    ...(packages.length === 0 ? [] : [list('Packages', packages)]),
    ...(history.length === 0 ? [] : [list('Last commits', history)]),
  ];
  return parts.join('\n').slice(0, MAX_CHARS);
}

function topFolder(path: string): string {
  const folders = path.split('/').slice(0, -1);
  return folders.length === 0 ? 'at the top' : `${folders.slice(0, 2).join('/')}/`;
}

function countBy<T>(all: readonly T[], key: (each: T) => string): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(key(each), (counts.get(key(each)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

function table(title: string, rows: readonly (readonly [string, number])[]): string {
  return list(
    title,
    rows.map(([name, number]) => `${name}: ${number}`),
  );
}

function list(title: string, lines: readonly string[]): string {
  const shown = lines.slice(0, MAX_ROWS).map(line => `  ${printable(line)}`);
  const more = lines.length > MAX_ROWS ? [`  … and ${lines.length - MAX_ROWS} more`] : [];
  return [`${title}:`, ...shown, ...more].join('\n');
}

function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, MAX_LINE);
}
