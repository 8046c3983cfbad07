import {createHash} from 'node:crypto';

/** Where the work of attempts is kept, outside of branches and tags: `git push` and `git log --all` of users pass it by or show it. */
export const KEPT = 'refs/godel/';

/** The branch that a team's work is merged onto, unless that name is taken (see `findRepository`). */
export function branchOf(team: string): string {
  return `godel/${asComponent(team)}`;
}

/** The ref that keeps the work of one attempt. */
export function refOf(place: {readonly team: string; readonly task: string; readonly attempt: number}): string {
  return `${KEPT}${asComponent(place.team)}/${asComponent(place.task)}/${place.attempt}`;
}

/** Whose work a ref keeps; null when it is none of ours. A name that was too long for a ref ends with `…`. */
export function readRef(ref: string): {team: string; task: string; attempt: number} | null {
  const [, team, task, number] = /^refs\/godel\/([^/]+)\/([^/]+)\/(\d+)(?:-[0-9a-f]{12})?$/.exec(ref) ?? [];
  if (team === undefined || task === undefined || number === undefined) return null;
  return {team: fromComponent(team), task: fromComponent(task), attempt: Number(number)};
}

/** File systems allow 255 bytes, of which git takes `.lock`. */
const MAX_BYTES = 180;
const PLAIN = /[\p{L}\p{N}\p{M}_.@+=,-]/u;

/**
 * Any name as one component of a ref, by percent-encoding whatever git, a shell or a file system may stumble over. Different
 * names stay different; one that is too long is cut and told apart by a hash.
 */
export function asComponent(name: string): string {
  const characters = Array.from(name);
  const parts = characters.map((character, index) => {
    const isDotAtEdge = character === '.' && (index === 0 || index === characters.length - 1);
    const isDouble = character === '.' && characters[index - 1] === '.';
    const isLock = character === '.' && /^\.lock$/i.test(characters.slice(index).join(''));
    const isDash = character === '-' && index === 0;
    const isEscaped = !PLAIN.test(character) || isDotAtEdge || isDouble || isLock || isDash || name === '@';
    return isEscaped ? percent(character) : character;
  });
  const whole = parts.join('');
  if (whole !== '' && Buffer.byteLength(whole) <= MAX_BYTES) return whole;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${startOf(parts)}%-${hash}`;
}

function startOf(parts: readonly string[]): string {
  let start = '';
  for (const part of parts) {
    if (Buffer.byteLength(start + part) > MAX_BYTES - 14) break;
    start += part;
  }
  return start;
}

function percent(character: string): string {
  return Array.from(
    Buffer.from(character, 'utf8'),
    byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}

function fromComponent(component: string): string {
  const [, start, hash] = /^(.*)%-([0-9a-f]{12})$/.exec(component) ?? [];
  const name = Buffer.from(
    (start ?? component).replaceAll(/%([0-9A-F]{2})|[^]/gu, (whole, hex: string | undefined) =>
      hex === undefined ? Buffer.from(whole, 'utf8').toString('latin1') : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  ).toString('utf8');
  return hash === undefined ? name : `${name}…`;
}
