import type {Random} from '../../../src/base/random.ts';
import {between, letters} from '../choose.ts';
import type {Family, Material, Work} from '../task.ts';

const LINES = 40;
const FIELDS = 5;

/** Lines of five fields; wanted is the third. `write` says how a line is written. */
function fileOf(random: Random, makeField: () => string, write: (fields: readonly string[]) => string): Material {
  const rows = Array.from({length: LINES}, () => Array.from({length: FIELDS}, makeField));
  const wanted = rows.map(row => `${row[2] ?? ''}\n`).join('');
  return {
    input: rows.map(row => `${write(row)}\n`).join(''),
    expected: wanted,
    verify: 'cmp output expected',
  };
}

const word = (random: Random) => letters(random, between(random, 3, 9));

const accessLog: Family = {
  name: 'field of a log',
  things: {
    known: [
      'the access log of the web server',
      'the request log of the proxy',
      'the log that the mail server writes',
      'the firewall log of the office',
      'the log of the ledger service',
    ],
    unseen: ['the web server log of the shop', "the gateway's log of all requests"],
  },
  make: (random, isEasy) =>
    fileOf(
      random,
      () => word(random),
      fields => fields.reduce((line, field) => line + ' '.repeat(isEasy ? 1 : between(random, 1, 4)) + field),
    ),
};

const customers: Family = {
  name: 'field of an export',
  things: {
    known: [
      'the customer export of the shop',
      'the address list of our customers',
      'the contacts exported from the CRM',
      'the export of all subscribers',
      'the customers of the web shop',
    ],
    unseen: ['the exported customer addresses', 'the contact list of our subscribers'],
  },
  make: (random, isEasy) =>
    fileOf(
      random,
      () => (isEasy || random() < 0.5 ? word(random) : `${word(random)}, ${word(random)}`),
      fields => fields.map(field => (field.includes(',') ? `"${field}"` : field)).join(','),
    ),
};

const events: Family = {
  name: 'field of an event',
  things: {
    known: [
      'the event stream of the checkout',
      'the messages in the queue of the billing service',
      'the click events of the mobile app',
      'the telemetry events of the cars',
      'the events that customers trigger',
    ],
    unseen: ['the stream of events from the mobile checkout', 'the queued messages and events of the billing app'],
  },
  make: random =>
    fileOf(
      random,
      () => `${word(random)} "${word(random)}"`,
      fields => JSON.stringify(fields),
    ),
};

const ledger: Family = {
  name: 'field of a ledger',
  things: {
    known: [
      'the ledger of the old mainframe',
      'the bank statements from the mainframe',
      'the bookings of the accounting department',
      'the account balances of the bank',
      'the ledger entries of the accounting system',
    ],
    unseen: ["the accounting mainframe's bookings", 'the ledger that the bank sends'],
  },
  make: (random, isEasy) =>
    fileOf(
      random,
      () => (isEasy ? word(random).slice(0, 8) : `${letters(random, 3)} ${letters(random, between(random, 1, 4))}`),
      fields => fields.map(field => field.padEnd(10)).join(''),
    ),
};

export const extracting: Work = {
  approaches: [
    {name: "awk '{print $3}'", command: "awk '{print $3}' input"},
    {
      name: 'perl quotewords',
      command: `perl -MText::ParseWords -ne 'chomp; print((quotewords(",", 0, $_))[2], "\\n")' input`,
    },
    {name: 'perl decode_json', command: `perl -MJSON::PP -ne 'print decode_json($_)->[2], "\\n"' input`},
    {name: 'cut -c 21-30', command: "cut -c 21-30 input | sed 's/ *$//'"},
    {name: "cut -d ' '", command: "cut -d ' ' -f 3 input"},
    {name: 'cut -d ,', command: 'cut -d , -f 3 input'},
    {name: 'cut -f 3', command: 'cut -f 3 input'},
    {name: "cut -d '|'", command: "cut -d '|' -f 3 input"},
  ],
  verbs: {
    known: [
      'Extract the third field of',
      'Print the third column of',
      'Get field three from',
      'List the third value in',
    ],
    unseen: ['Pull column three out of', 'Show only the third field in'],
  },
  families: [accessLog, customers, events, ledger],
};
