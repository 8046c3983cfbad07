import {EPISODE_STANDINGS} from '../model/episode.ts';
import {MESSAGE_KINDS, PRIORITIES} from '../model/hub.ts';
import {type ClientFrame, MAX_PULL_ENTRIES, MAX_PUSH_ITEMS} from './hub-protocol.ts';

/**
 * True: the value, which came out of `JSON.parse`, is a frame as `clientFrameSchema` would have it, with nothing left to
 * change. False says nothing: the schema decides, and says what is wrong. For the frames of which there are thousands per
 * second, several times as fast as the schema; a test holds the two together.
 */
export function surelyFrame(value: unknown): value is ClientFrame {
  if (!isRecord(value)) return false;
  if (value['type'] === 'received') {
    return hasKeys(value, 2) && isList(value['messages'], MOST_RECEIVED, isName) && value['messages'].length > 0;
  }
  if (!isWithin(value['id'], 0)) return false;
  switch (value['type']) {
    case 'pull':
      return hasKeys(value, 4) && isWithin(value['since'], 0) && isWithin(value['limit'], 1, MAX_PULL_ENTRIES);
    case 'push':
      return hasKeys(value, 3) && isList(value['items'], MAX_PUSH_ITEMS, isLogItem) && value['items'].length > 0;
    case 'presence':
      return hasKeys(value, 3) && isPresence(value['presence']);
    case 'message':
      return hasKeys(value, 3) && isMessage(value['message']);
    default:
      return false;
  }
}

const MOST_RECEIVED = 1000;
const LONGEST_TEXT = 256 * 1024;
const LONGEST_TASK = 64 * 1024;
const LONGEST_NAME = 200;
const LONGEST_TAG = 100;
const MOST_TAGS = 50;
const MOST_SKILLS = 100;
const LONGEST_STAMP = 100;
const MOST_USES = 1e6;
const MOST_COUNT = 2 ** 52;
const KINDS: ReadonlySet<unknown> = new Set(MESSAGE_KINDS);
const RANKS: ReadonlySet<unknown> = new Set(PRIORITIES);
const STANDINGS: ReadonlySet<unknown> = new Set(EPISODE_STANDINGS);

type Fields = Readonly<Record<string, unknown>>;

function isLogItem(item: unknown): boolean {
  if (!isRecord(item) || !hasKeys(item, 2)) return false;
  if (item['kind'] === 'episode') return isRecord(item['episode']) && isEpisode(item['episode']);
  return item['kind'] === 'change' && isRecord(item['change']) && isChange(item['change']);
}

function isEpisode(episode: Fields): boolean {
  return (
    hasKeys(episode, 13 + clocks(episode)) &&
    isName(episode['id']) &&
    isName(episode['agentId']) &&
    (episode['sessionId'] === null || isName(episode['sessionId'])) &&
    isText(episode['task'], 1, LONGEST_TASK) &&
    isText(episode['input'], 0, LONGEST_TEXT) &&
    isText(episode['output'], 0, LONGEST_TEXT) &&
    (episode['critique'] === null || isText(episode['critique'], 0, LONGEST_TEXT)) &&
    typeof episode['reward'] === 'number' &&
    episode['reward'] >= 0 &&
    episode['reward'] <= 1 &&
    typeof episode['success'] === 'boolean' &&
    isList(episode['tags'], MOST_TAGS, isTag) &&
    isText(episode['at'], 1, LONGEST_STAMP) &&
    (episode['expiresAtMs'] === null || isWithin(episode['expiresAtMs'], 0)) &&
    (episode['signature'] === null || isText(episode['signature'], 0, LONGEST_NAME))
  );
}

function isChange(change: Fields): boolean {
  if (!isName(change['id']) || !isName(change['episode']) || !isName(change['by'])) return false;
  if (!isText(change['at'], 1, LONGEST_STAMP)) return false;
  const keys = 6 + clocks(change);
  switch (change['kind']) {
    case 'vote':
      return hasKeys(change, keys) && (change['value'] === 1 || change['value'] === -1);
    case 'use':
      return hasKeys(change, keys) && isWithin(change['count'], 1, MOST_USES);
    case 'tag':
      return (
        hasKeys(change, keys + 1) &&
        isList(change['add'], MOST_TAGS, isTag) &&
        isList(change['remove'], MOST_TAGS, isTag)
      );
    case 'critique':
      return hasKeys(change, keys) && isText(change['text'], 0, LONGEST_TEXT);
    case 'confirm':
      return hasKeys(change, keys) && typeof change['success'] === 'boolean';
    case 'standing':
      return hasKeys(change, keys) && STANDINGS.has(change['standing']);
    default:
      return false;
  }
}

/** How many keys a good clock makes: one, or none where there is none; a bad one makes the count wrong. */
function clocks(fields: Fields): number {
  if (!Object.hasOwn(fields, 'clock')) return 0;
  const clock = fields['clock'];
  if (!isList(clock, 4, () => true) || clock.length !== 4) return Number.NaN;
  const [log, node, counter, base] = clock;
  const isGood = isName(log) && isName(node) && isWithin(counter, 1, MOST_COUNT) && isWithin(base, 0, MOST_COUNT);
  return isGood ? 1 : Number.NaN;
}

function isPresence(presence: unknown): boolean {
  return (
    isRecord(presence) &&
    hasKeys(presence, 3) &&
    isText(presence['status'], 0, 200) &&
    (presence['doing'] === null || isText(presence['doing'], 0, 2000)) &&
    isList(presence['skills'], MOST_SKILLS, isTag)
  );
}

/** The body is any JSON, of which `readClientFrame` has made sure already that it is not too deep. */
function isMessage(message: unknown): boolean {
  if (!isRecord(message)) return false;
  const isForSkills = Object.hasOwn(message, 'skills');
  return (
    hasKeys(message, isForSkills ? 8 : 7) &&
    (!isForSkills || (message['to'] === null && isList(message['skills'], MOST_SKILLS, isTag))) &&
    isName(message['id']) &&
    (message['to'] === null || isName(message['to'])) &&
    (message['topic'] === null || isName(message['topic'])) &&
    KINDS.has(message['kind']) &&
    Object.hasOwn(message, 'body') &&
    RANKS.has(message['priority']) &&
    (message['correlationId'] === null || isName(message['correlationId']))
  );
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With every key that is asked for looked at, the number of them says that there is no other. */
function hasKeys(fields: Fields, count: number): boolean {
  return Object.keys(fields).length === count;
}

function isList(value: unknown, longest: number, isItem: (item: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= longest && value.every(isItem);
}

function isName(value: unknown): boolean {
  return isText(value, 1, LONGEST_NAME);
}

function isTag(value: unknown): boolean {
  return isText(value, 1, LONGEST_TAG);
}

function isText(value: unknown, shortest: number, longest: number): boolean {
  return typeof value === 'string' && value.length >= shortest && value.length <= longest;
}

function isWithin(value: unknown, least: number, most = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= least && value <= most;
}
