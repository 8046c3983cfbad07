import type {Line} from './experiment.ts';
import type {Point} from './figures.ts';

const [WIDTH, HEIGHT] = [750, 380];
const FRAME = {left: 56, right: 240, top: 44, bottom: 48};
const NAMES: Readonly<Record<Line, string>> = {
  alone: 'without the hub',
  shared: 'with the hub',
  unseen: 'with the hub, unseen tasks',
};
/** Told apart by their marks and labels too, not by colour alone. */
const DASHES: Readonly<Record<Line, string>> = {alone: '7 5', shared: 'none', unseen: '2 4'};
/** Labels at the right end are at least so far apart. */
const LABEL_GAP = 18;

/** Attempts per success by generation, medians with the range over the seeds, as an SVG for light and dark pages. */
export function chartOf(points: readonly Point[]): string {
  const generations = Math.max(...points.map(({generation}) => generation));
  const top = Math.ceil(Math.max(...points.map(({attempts}) => attempts.high)));
  const x = (generation: number) =>
    FRAME.left + ((generation - 1) / Math.max(1, generations - 1)) * (WIDTH - FRAME.left - FRAME.right);
  const y = (attempts: number) => HEIGHT - FRAME.bottom - (attempts / top) * (HEIGHT - FRAME.top - FRAME.bottom);
  const lines = (['alone', 'shared', 'unseen'] as const).map(line => ({
    line,
    points: points.filter(point => point.line === line).toSorted((a, b) => a.generation - b.generation),
  }));
  const ends = labelPlaces(lines.map(({points}) => y(points.at(-1)?.attempts.median ?? 0)));
  const grid = Array.from({length: top + 1}, (_, value) => [
    `<line class="grid" x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${at(y(value))}" y2="${at(y(value))}"/>`,
    `<text x="${FRAME.left - 10}" y="${at(y(value) + 4)}" text-anchor="end">${value}</text>`,
  ]);
  const ticks = Array.from({length: generations}, (_, index) => {
    const place = `x="${at(x(index + 1))}" y="${HEIGHT - FRAME.bottom + 20}"`;
    return `<text ${place} text-anchor="middle">${index + 1}</text>`;
  });
  const drawn = lines.map(({line, points}, index) => {
    const path = points.map(({generation, attempts}) => `${at(x(generation))},${at(y(attempts.median))}`).join(' ');
    const high = points.map(({generation, attempts}) => `${at(x(generation))},${at(y(attempts.high))}`);
    const low = points.map(({generation, attempts}) => `${at(x(generation))},${at(y(attempts.low))}`);
    const marks = points.map(
      ({generation, attempts}) => `<circle cx="${at(x(generation))}" cy="${at(y(attempts.median))}" r="4"/>`,
    );
    const last = points.at(-1)?.attempts.median ?? 0;
    return [
      `<g class="${line}">`,
      `<polygon points="${[...high, ...low.toReversed()].join(' ')}"/>`,
      `<polyline points="${path}" stroke-dasharray="${DASHES[line]}"/>`,
      ...marks,
      `<text x="${WIDTH - FRAME.right + 12}" y="${at((ends[index] ?? 0) + 4)}">${last.toFixed(1)} ${NAMES[line]}</text>`,
      '</g>',
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">`,
    '<title id="title">Attempts per success by generation, with and without the hub</title>',
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="head" x="${FRAME.left}" y="24">Attempts per success; the bands are the range over the seeds</text>`,
    ...grid.flat(),
    ...ticks,
    `<text x="${at((x(1) + x(generations)) / 2)}" y="${HEIGHT - 8}" text-anchor="middle">generation</text>`,
    ...drawn.flat(),
    '</svg>',
    '',
  ].join('\n');
}

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #3d444d }
.page { fill: #ffffff }
.head { font-weight: 600 }
.grid { stroke: #d1d9e0; stroke-width: 1 }
polyline { fill: none; stroke-width: 2.5 }
polygon { opacity: 0.15; stroke: none }
.alone { fill: #6e7781; stroke: #6e7781 }
.shared { fill: #0969da; stroke: #0969da }
.unseen { fill: #bc4c00; stroke: #bc4c00 }
g text { stroke: none; fill: inherit }
@media (prefers-color-scheme: dark) {
  text { fill: #c9d1d9 }
  .page { fill: #0d1117 }
  .grid { stroke: #30363d }
  .alone { fill: #9198a1; stroke: #9198a1 }
  .shared { fill: #58a6ff; stroke: #58a6ff }
  .unseen { fill: #f0883e; stroke: #f0883e }
}
`;

/** As close to where they belong as they can be without lying over each other; in the order in which they were given. */
function labelPlaces(places: readonly number[]): readonly number[] {
  const sorted = places.map((place, index) => ({place, index})).sort((a, b) => a.place - b.place);
  let last = Number.NEGATIVE_INFINITY;
  const moved = sorted.map(({place, index}) => {
    last = Math.max(place, last + LABEL_GAP);
    return {place: last, index};
  });
  return moved.sort((a, b) => a.index - b.index).map(({place}) => place);
}

function at(value: number): string {
  return value.toFixed(1);
}
