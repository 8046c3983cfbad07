import type {Random} from '../../../src/base/random.ts';
import {between, letters, oneOf, shuffled} from '../choose.ts';
import type {Family, Material, Work} from '../task.ts';

const LINES = 40;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
/** Those whose order in the year is that of the alphabet. */
const ALPHABETICAL_MONTHS = ['APR', 'AUG', 'DEC'];

interface Key {
  readonly text: string;
  /** Compared from the left. */
  readonly rank: readonly number[];
}

/** Lines that begin with a key, in any order; wanted is the order of what the keys mean. */
function fileOf(random: Random, makeKey: () => Key): Material {
  const keys = new Map<string, Key>();
  while (keys.size < LINES) {
    const key = makeKey();
    if (![...keys.values()].some(other => compare(other, key) === 0)) keys.set(key.text, key);
  }
  const lines = [...keys.values()].map(key => ({key, line: `${key.text}\t${letters(random, 6)}\n`}));
  const text = (sorted: readonly {line: string}[]) => sorted.map(({line}) => line).join('');
  return {
    input: text(shuffled(random, lines)),
    expected: text(lines.toSorted((a, b) => compare(a.key, b.key))),
    verify: 'cmp output expected',
  };
}

function compare(a: Key, b: Key): number {
  for (const [index, rank] of a.rank.entries()) {
    const other = b.rank[index] ?? 0;
    if (rank !== other) return rank - other;
  }
  return 0;
}

const sizes: Family = {
  name: 'sort sizes',
  things: {
    known: [
      'the disk usage of the build machines',
      'the folder sizes of the mail server',
      'the storage that each project occupies',
      'the space taken by each volume',
      'the disk usage of all published releases',
    ],
    unseen: ['the disk space used by the home directories', 'the size of every shared folder on the storage server'],
  },
  make: (random, isEasy) =>
    fileOf(random, () => {
      const unit = isEasy ? 0 : between(random, 0, 2);
      const count = between(random, 1, 999);
      return {text: `${count}${'KMG'[unit] ?? ''}`, rank: [unit, count]};
    }),
};

const versions: Family = {
  name: 'sort versions',
  things: {
    known: [
      'the releases of the payment library',
      'the version tags of the mobile app',
      'the published versions of our packages',
      'the firmware versions of the routers',
      'the versions of the disk driver',
    ],
    unseen: ['the version numbers of the database plugin', 'the released versions of the kernel module'],
  },
  make: (random, isEasy) =>
    fileOf(random, () => {
      const rank = Array.from({length: 3}, () => between(random, 0, isEasy ? 9 : 30));
      return {text: rank.join('.'), rank};
    }),
};

const readings: Family = {
  name: 'sort readings',
  things: {
    known: [
      'the readings of the pressure sensors',
      'the measurements of the laboratory scale',
      'the values recorded by the thermometers',
      'the sensor readings from the wind tunnel',
      'the voltage measured at each probe',
    ],
    unseen: ['the measured values of the humidity sensors', 'the readings that the flow meter recorded'],
  },
  make: (random, isEasy) =>
    fileOf(random, () => {
      const value = isEasy ? between(random, 1, 9999) : (1 + random() * 9) * 10 ** between(random, -9, 9);
      const text = isEasy ? String(value) : value.toExponential(3);
      return {text, rank: [Number(text)]};
    }),
};

const months: Family = {
  name: 'sort by month',
  things: {
    known: [
      'the birthdays of the members',
      'the rents by the month they are due',
      'the holidays in the calendar',
      'the monthly invoices of the tenants',
      'the anniversaries in the calendar of the club',
    ],
    unseen: ['the calendar of public holidays', 'the birthdays in the family calendar'],
  },
  make: (random, isEasy) =>
    fileOf(random, () => {
      const month = oneOf(random, isEasy ? ALPHABETICAL_MONTHS : MONTHS);
      const day = between(random, 1, 28);
      return {text: `${month} ${String(day).padStart(2, '0')}`, rank: [MONTHS.indexOf(month), day]};
    }),
};

export const sorting: Work = {
  approaches: [
    {name: 'sort -h', command: 'sort -h input'},
    {name: 'sort -V', command: 'sort -V input'},
    {name: 'sort -g', command: 'sort -g input'},
    {name: 'sort -M', command: 'sort -M input'},
    {name: 'sort -n', command: 'sort -n input'},
    {name: 'sort', command: 'sort input'},
    {name: 'sort -f', command: 'sort -f input'},
    {name: 'sort -r', command: 'sort -r input'},
  ],
  verbs: {
    known: ['Sort', 'Put into ascending order', 'Order', 'Sort the list with'],
    unseen: ['Arrange in order', 'Rank from the first to the last'],
  },
  families: [sizes, versions, readings, months],
};
