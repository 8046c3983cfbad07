/**
 * Whether a Node version lies in a range as it stands in `engines.node`: true, false, or null when the range is not
 * understood. Knows `||`, spaces, `^ ~ > >= < <= =`, `x` places and `a - b`; pre-release parts count for nothing here.
 */
export function satisfies(version, range) {
  const node = parse(version);
  if (node === null) return null;
  const verdicts = range.split('||').map(part => inAll(node, part.trim()));
  if (verdicts.includes(true)) return true;
  return verdicts.includes(null) ? null : false;
}

function inAll(node, text) {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const terms = hyphen ? [`>=${hyphen[1]}`, `<=${hyphen[2]}`] : text.replaceAll(/([<>=~^])\s+/g, '$1').split(/\s+/);
  const verdicts = terms.map(term => inTerm(node, term));
  if (verdicts.includes(null)) return null;
  return verdicts.every(Boolean);
}

function inTerm(node, term) {
  const [, operator, text] = /^(\^|~>?|>=|<=|>|<|=|)(.*)$/.exec(term);
  const places = parsePlaces(text);
  if (places === null) return null;
  const low = places.map(place => place ?? 0);
  const atLeast = compare(node, low) >= 0;
  const beyond = place => compare(node, above(places, place)) >= 0;
  const last = lastGiven(places);
  switch (operator) {
    case '>=':
      return atLeast;
    case '<':
      return !atLeast;
    case '>':
      return beyond(last);
    case '<=':
      return !beyond(last);
    case '^':
      return atLeast && !beyond(caretPlace(places));
    case '~':
    case '~>':
      return atLeast && !beyond(Math.min(1, last));
    default:
      return atLeast && !beyond(last);
  }
}

const parse = version => parsePlaces(version)?.map(place => place ?? 0) ?? null;

/** `20.x` is [20, null, null]; everything after the first open place is open. */
function parsePlaces(text) {
  const match = /^v?(\d+|[xX*])?(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:[-+].*)?$/.exec(text);
  if (match === null) return null;
  const places = match.slice(1, 4).map(place => (place === undefined || /[xX*]/.test(place) ? null : Number(place)));
  return places.map((place, at) => (places.slice(0, at).includes(null) ? null : place));
}

/** Index of the last place that is given; -1 for `*`. */
const lastGiven = places => places.findLastIndex(place => place !== null);

/** The place that `^` keeps: the first that is not zero. */
function caretPlace(places) {
  const first = places.findIndex(place => place !== 0 && place !== null);
  return first === -1 ? lastGiven(places) : first;
}

/** The lowest version above all that agree with `places` up to the place `at`. Nothing is above `*`. */
function above(places, at) {
  if (at === -1) return [Infinity, 0, 0];
  return places.map((place, index) => (index < at ? place : index === at ? place + 1 : 0));
}

function compare(a, b) {
  for (let at = 0; at < 3; at++) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
  return 0;
}
