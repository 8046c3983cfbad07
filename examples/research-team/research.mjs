import assert from 'node:assert/strict';
import {randomUUID} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {createRealtimeHub, EphemeralAgent} from 'godel';
import {FederationHubServer} from 'godel/hub';

const QUESTION = process.argv[2] ?? 'What happens to the work when a daemon is killed?';
const FOLDER = resolve(process.argv[3] ?? fileURLToPath(new URL('../../', import.meta.url)));
const PASSAGES = Number(process.env.PASSAGES ?? 5);
const TENANT = 'research';
const PATIENCE_MS = 15_000;

const temp = mkdtempSync(join(tmpdir(), 'godel-research-'));
const server = new FederationHubServer({port: 0, dbPath: join(temp, 'hub.db'), embedder: {kind: 'hashed'}});
const team = [];
try {
  await server.start();
  const searcher = await enlist('searcher', ['search']);
  const reader = await enlist('reader', ['read']);
  const writer = await enlist('writer', ['write']);
  search(searcher);
  read(reader);
  const report = await write(writer);
  const file = process.env.REPORT ?? join(temp, 'report.md');
  writeFileSync(file, report.text);
  check(readFileSync(file, 'utf8'), report);
  console.log(`${readFileSync(file, 'utf8')}\nok: ${report.findings.length} findings, each found again in its file`);
} finally {
  for (const {talk, agent} of team) {
    await talk.shutdown();
    await agent.destroy();
  }
  await server.stop();
  rmSync(temp, {recursive: true, force: true});
}

/** An agent with its memory, and its talk with the others over the same connection. */
async function enlist(agentId, skills) {
  const token = await server.security.generateToken(agentId, TENANT);
  const hubEndpoint = `ws://127.0.0.1:${server.address.port}`;
  const agent = await EphemeralAgent.spawn({tenantId: TENANT, hubEndpoint, token, news: true});
  const talk = createRealtimeHub(agentId, TENANT, {hub: agent.hub, skills});
  await talk.connect();
  const member = {agent, talk};
  team.push(member);
  return member;
}

/** Finds the passages that have most to do with a question: rare words of it count more. */
function search({talk}) {
  talk.on('message:task_assignment', async ({taskId, description, data, message}) => {
    const passages = pagesOf(data.folder).flatMap(passagesOf);
    const words = wordsOf(description);
    const weight = new Map(
      words.map(word => [word, Math.log(passages.length / (1 + passages.filter(one => one.words.has(word)).length))]),
    );
    const scored = passages.map(({file, line, words: its}) => {
      const score = words.reduce((sum, word) => sum + (its.has(word) ? weight.get(word) : 0), 0);
      return {file, line, score};
    });
    const best = scored.filter(({score}) => score > 0).toSorted((a, b) => b.score - a.score);
    const result = best.slice(0, data.count);
    await talk.reportTaskComplete(message.from, {taskId, success: result.length > 0, result});
  });
}

/** Reads one passage, and tells everybody the sentence in it that says most about the question. */
function read({talk}) {
  talk.on('message:task_assignment', async ({taskId, description, data, message}) => {
    const passage = passagesOf(data.file).find(({line}) => line === data.line);
    const words = wordsOf(description);
    const sentences = passage.text.split(/(?<=[.!?:])\s+/);
    const told = sentence => words.filter(word => wordsOf(sentence).includes(word)).length;
    const best = sentences.reduce((one, other) => (told(other) > told(one) ? other : one));
    const tags = [data.file, String(data.line)];
    await talk.shareKnowledge({title: passage.heading, content: best, tags});
    await talk.reportTaskComplete(message.from, {taskId, success: true});
  });
}

/** Leads: has it searched, has each passage read, and writes what was shared. */
async function write({agent, talk}) {
  const {result: places} = await done(talk, 'searcher', {
    description: QUESTION,
    data: {folder: FOLDER, count: PASSAGES},
  });
  const findings = await Promise.all(
    places.map(async place => {
      const shared = heard(talk, 'message:share_knowledge', ({tags: [file, line]}) => {
        return file === place.file && Number(line) === place.line;
      });
      await done(talk, 'reader', {description: QUESTION, data: place});
      const {title, content} = await shared;
      return {...place, heading: title, quote: content};
    }),
  );
  const parts = findings.map(
    ({heading, quote, file, line}) => `## ${heading}\n\n> ${quote}\n\n${relative(FOLDER, file)}:${line}\n`,
  );
  // For whoever asks the like of it another time.
  await agent.storeEpisode({task: QUESTION, output: findings.map(({quote}) => quote).join('\n'), reward: 1});
  await agent.sync();
  return {text: `# ${QUESTION}\n\n${parts.join('\n')}`, findings};
}

/** Gives somebody a task, and resolves with what it reports. */
async function done(talk, who, {description, data}) {
  const taskId = randomUUID();
  const reported = heard(talk, 'message:task_complete', report => report.taskId === taskId);
  await talk.assignTask(who, {taskId, description, data});
  const report = await reported;
  assert.ok(report.success, `${who} has found something: ${description}`);
  return report;
}

/** The first of these events that is meant. */
function heard(talk, event, isMeant) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${event} has come within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    const stop = talk.on(event, told => {
      if (!isMeant(told)) return;
      clearTimeout(late);
      stop();
      resolve(told);
    });
  });
}

/** Not by what the agents said, but by what is in the files. */
function check(text, {findings}) {
  assert.equal(server.getStats().agents, 3, 'all three are at the hub');
  assert.equal(server.getStats().episodes, 1, 'what was found is remembered');
  for (const {quote, file, line} of findings) {
    const rest = readFileSync(file, 'utf8')
      .split('\n')
      .slice(line - 1)
      .join('\n');
    assert.ok(oneLine(rest).includes(quote), `${file}:${line} says so`);
    assert.ok(text.includes(quote), 'the report quotes it');
  }
}

function pagesOf(folder) {
  const names = readdirSync(folder, {recursive: true}).filter(
    name => name.endsWith('.md') && !/(^|\/)(node_modules|\.[^/]*)\//.test(name),
  );
  return names.map(name => join(folder, name));
}

/** The paragraphs of a page, without code and tables, each under its heading. */
function passagesOf(file) {
  const passages = [];
  let heading = file;
  let [code, from, lines] = [false, 0, []];
  for (const [index, line] of [...readFileSync(file, 'utf8').split('\n'), ''].entries()) {
    if (line.startsWith('```')) code = !code;
    const isText = !code && line.trim() !== '' && !/^(```|#|\|)/.test(line);
    if (isText && lines.push(line.trim()) === 1) from = index + 1;
    if (!isText && lines.length > 0) {
      const text = lines.join(' ');
      passages.push({file, line: from, heading, text, words: new Set(wordsOf(text))});
      lines = [];
    }
    if (!code && line.startsWith('#')) heading = line.replace(/^#+ /, '');
  }
  return passages;
}

function wordsOf(text) {
  return [...new Set(text.toLowerCase().match(/[a-z]{4,}/g) ?? [])];
}

function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ');
}
