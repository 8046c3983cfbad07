/** Words and the skill they speak of; the page docs/decomposition.md shows this table. */
export const SKILL_WORDS: Readonly<Record<string, readonly string[]>> = {
  test: ['test', 'tests', 'testing', 'coverage', 'e2e', 'unittest'],
  docs: ['document', 'documentation', 'docs', 'readme', 'changelog', 'docstring', 'docstrings', 'tutorial'],
  review: ['review', 'audit', 'inspect'],
  refactor: ['refactor', 'refactoring', 'simplify', 'extract', 'rename', 'deduplicate'],
  migrate: ['migrate', 'migration', 'port', 'upgrade', 'convert'],
  lint: ['lint', 'linter', 'eslint', 'format', 'formatting'],
  security: ['security', 'vulnerability', 'vulnerabilities', 'xss', 'csrf', 'injection', 'encryption'],
  database: ['database', 'sql', 'schema', 'query', 'queries', 'postgres', 'sqlite', 'mysql'],
  frontend: ['frontend', 'ui', 'css', 'html', 'react', 'vue', 'svelte', 'accessibility', 'component'],
  backend: ['backend', 'api', 'server', 'endpoint', 'endpoints', 'graphql'],
  deploy: ['deploy', 'deployment', 'release', 'publish', 'rollout'],
  devops: ['docker', 'kubernetes', 'terraform', 'ci', 'pipeline', 'helm'],
  performance: ['performance', 'benchmark', 'profile', 'latency', 'speed'],
};

/** File endings and the skill that such files take. */
export const SKILL_FILES: Readonly<Record<string, readonly string[]>> = {
  typescript: ['ts', 'tsx', 'mts', 'cts'],
  javascript: ['js', 'jsx', 'mjs', 'cjs'],
  python: ['py', 'pyi'],
  rust: ['rs'],
  go: ['go'],
  java: ['java'],
  ruby: ['rb'],
  c: ['c', 'h', 'cc', 'cpp', 'hpp'],
  shell: ['sh', 'bash'],
  database: ['sql'],
  frontend: ['css', 'scss', 'html', 'vue', 'svelte'],
  docs: ['md', 'mdx', 'rst'],
};

const OF_WORD = new Map(Object.entries(SKILL_WORDS).flatMap(([skill, words]) => words.map(word => [word, skill])));
const OF_ENDING = new Map(Object.entries(SKILL_FILES).flatMap(([skill, ends]) => ends.map(end => [end, skill])));
const MAX_SKILLS = 5;
const MAX_CHARS = 2000;

/** The skills that a text and the files it names speak of, in the order of the text, at most five. */
export function skillsOf(text: string, files: readonly string[]): readonly string[] {
  const words =
    text
      .slice(0, MAX_CHARS)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  const endings = [text.slice(0, MAX_CHARS), ...files.slice(0, 100)].flatMap(
    each => each.match(/\.[a-z]{1,6}(?![\w])/gi) ?? [],
  );
  const found = [
    ...words.map(word => OF_WORD.get(word)),
    ...endings.map(ending => OF_ENDING.get(ending.slice(1).toLowerCase())),
  ];
  return [...new Set(found.filter(skill => skill !== undefined))].slice(0, MAX_SKILLS);
}
