import {between} from '../choose.ts';
import type {Family, Work} from '../task.ts';

const LANES = [1, 2, 3, 4, 5, 6, 7, 8];

/** Nothing to be learnt: which lane is open is drawn anew before each attempt. */
const lanes: Family = {
  name: 'pure chance',
  isNoise: true,
  things: {
    known: [
      'the open lane of the ferry terminal',
      'a free counter at the station',
      'the lane without a queue at the border',
      'a gate that is open at the stadium',
      'a free lane on the ferry',
    ],
    unseen: ['an open counter at the ferry station', 'the free gate of the terminal'],
  },
  make: random => {
    const open = between(random, 1, LANES.length);
    const input = LANES.map(lane => `lane ${lane} is ${lane === open ? 'open' : 'closed'}\n`).join('');
    return {input, expected: null, verify: 'grep -w open output'};
  },
};

export const finding: Work = {
  approaches: LANES.map(lane => ({name: `lane ${lane}`, command: `sed -n ${lane}p input`})),
  verbs: {known: ['Find', 'Look for', 'Choose', 'Go to'], unseen: ['Pick out', 'Search for']},
  families: [lanes],
};
