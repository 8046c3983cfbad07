/** One part of a pattern: of a path a segment, of a segment a character. */
interface Pattern<Part> {
  /** Whether the part stands for any number of any parts. */
  readonly isMany: (part: Part) => boolean;
  /** Whether two parts can stand for the same thing. */
  readonly canMeet: (a: Part, b: Part) => boolean;
}

/**
 * Whether some path may match both globs, by their text alone. As with `touches`, a glob that names a folder means all that is in it.
 * What is hard to tell (character classes, extended globs) counts as matching anything.
 */
export function globsOverlap(a: string, b: string): boolean {
  return alternatives(a).some(one => alternatives(b).some(other => meet(segmentsOf(one), segmentsOf(other), SEGMENTS)));
}

const ANY_ONE = '\0?';
const ANY_MANY = '\0*';

const CHARACTERS: Pattern<string> = {
  isMany: part => part === ANY_MANY,
  canMeet: (a, b) => a === b || a === ANY_ONE || b === ANY_ONE,
};

const SEGMENTS: Pattern<string> = {
  isMany: segment => segment === '**',
  canMeet: (a, b) => a === b || meet(charactersOf(a), charactersOf(b), CHARACTERS),
};

/** Both patterns can be walked through to their ends in step; what stands for many takes any number of the other's parts. */
function meet<Part>(a: readonly Part[], b: readonly Part[], pattern: Pattern<Part>): boolean {
  const dead = new Set<number>();
  const walk = (i: number, j: number): boolean => {
    const place = i * (b.length + 1) + j;
    if (dead.has(place)) return false;
    const [one, other] = [a[i], b[j]];
    if (one === undefined && other === undefined) return true;
    const found =
      (one !== undefined && pattern.isMany(one) && (walk(i + 1, j) || (other !== undefined && walk(i, j + 1)))) ||
      (other !== undefined && pattern.isMany(other) && (walk(i, j + 1) || (one !== undefined && walk(i + 1, j)))) ||
      (one !== undefined && other !== undefined && pattern.canMeet(one, other) && walk(i + 1, j + 1));
    if (!found) dead.add(place);
    return found;
  };
  return walk(0, 0);
}

function segmentsOf(glob: string): readonly string[] {
  const path = glob.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '');
  const segments = path.split(/\/+/).filter(segment => segment !== '' && segment !== '.');
  // `*.ts` is no folder with something in it, whatever the rule says.
  return /[^.]\.[^.]+$/.test(segments.at(-1) ?? '') ? segments : [...segments, '**'];
}

const CHARACTER = /\\(.)|(\*+)|(\?)|(\[(?:\\.|[^\]\\])+\])|(.)/gsu;

function charactersOf(segment: string): readonly string[] {
  return Array.from(segment.matchAll(CHARACTER), ([, escaped, many, one, group, literal]) => {
    if (many !== undefined) return ANY_MANY;
    if (one !== undefined || group !== undefined) return ANY_ONE;
    return escaped ?? literal ?? '';
  });
}

/** More alternatives than these are taken for anything. */
const MAX_ALTERNATIVES = 64;

/** The globs that `{a,b}` stands for; what else there is of extended globs is taken for `*`. */
function alternatives(glob: string): readonly string[] {
  let plain = glob;
  for (let before = ''; before !== plain; ) {
    before = plain;
    plain = plain.replaceAll(/[@!?*+]\([^()]*\)/g, '*');
  }
  const done: string[] = [];
  const open = [plain];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const group = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(next);
    if (group === null) done.push(next);
    else {
      const [, before = '', inner = '', after = ''] = group;
      const choices = inner.includes(',') ? inner.split(',') : ['*'];
      open.push(...choices.map(choice => `${before}${choice}${after}`));
    }
    if (done.length + open.length > MAX_ALTERNATIVES) return ['**'];
  }
  return done;
}
