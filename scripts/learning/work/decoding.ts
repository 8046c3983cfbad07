import {gzipSync} from 'node:zlib';
import type {Random} from '../../../src/base/random.ts';
import {between, letters, oneOf} from '../choose.ts';
import type {Family, Material, Work} from '../task.ts';

const WORDS = 60;

/** A text of a few lines; `special`: with letters that no 7-bit encoding leaves as they are. */
function textOf(random: Random, special: boolean): string {
  const words = Array.from({length: WORDS}, () => {
    const word = letters(random, between(random, 2, 9));
    return special && random() < 0.3 ? word + oneOf(random, ['é', 'ü', '=', '%', '&']) : word;
  });
  return words.map((word, index) => word + (index % 6 === 5 ? '\n' : ' ')).join('');
}

function encoded(text: string, input: string | Buffer): Material {
  return {input, expected: text, verify: 'cmp output expected'};
}

const attachments: Family = {
  name: 'decode attachments',
  things: {
    known: [
      'the attachment of the mail',
      'the attached archive of the newsletter',
      'the file that came by e-mail',
      'the attachment in the mailbox of the support team',
      'the mailed report',
    ],
    unseen: ['the archive attached to the e-mail', 'the attachments of the support mails'],
  },
  make: random => {
    const text = textOf(random, true);
    return encoded(text, `${gzipSync(text).toString('base64')}\n`);
  },
};

const riddles: Family = {
  name: 'decode riddles',
  things: {
    known: [
      'the riddle in the forum',
      'the spoiler of the film review',
      'the secret clue of the treasure hunt',
      'the puzzle of the week',
      'the answer to the riddle',
    ],
    unseen: ['the clue of the puzzle in the forum', 'the spoiler that hides the answer'],
  },
  make: random => {
    const text = textOf(random, false);
    const turned = text.replaceAll(/[a-z]/g, letter => String.fromCharCode(((letter.charCodeAt(0) - 84) % 26) + 97));
    return encoded(text, turned);
  },
};

const forms: Family = {
  name: 'decode forms',
  things: {
    known: [
      'the web form of the survey',
      'the submitted contact form',
      'the query string of the search page',
      'the answers of the online form',
      'the registration form of the web site',
    ],
    unseen: ['the contact form that visitors submitted', 'the form of the online survey'],
  },
  make: (random, isEasy) => {
    const text = textOf(random, !isEasy);
    return encoded(text, isEasy ? text : encodeURIComponent(text).replaceAll('%20', ' '));
  },
};

const dumps: Family = {
  name: 'decode dumps',
  things: {
    known: [
      'the memory dump of the controller',
      'the bytes captured on the serial line',
      'the flash image of the device',
      'the packet capture of the network',
      'the dump of the device memory',
    ],
    unseen: ['the captured bytes of the network device', "the controller's flash dump"],
  },
  make: random => {
    const text = textOf(random, true);
    return encoded(
      text,
      Buffer.from(text)
        .toString('hex')
        .replaceAll(/(.{64})/g, '$1\n'),
    );
  },
};

export const decoding: Work = {
  approaches: [
    {name: 'base64 and gunzip', command: 'base64 -d input | gunzip -c'},
    {name: 'rot13', command: "tr 'A-Za-z' 'N-ZA-Mn-za-m' <input"},
    {name: 'percent signs', command: `perl -pe 's/%([0-9A-F]{2})/chr hex $1/ge' input`},
    {name: 'hexadecimal', command: `perl -ne 'chomp; print pack("H*", $_)' input`},
    {name: 'base64', command: 'base64 -d input'},
    {name: 'gunzip', command: 'gunzip -c <input'},
    {name: 'quoted-printable', command: `perl -MMIME::QuotedPrint -0777 -ne 'print decode_qp($_)' input`},
    {name: 'uudecode', command: `perl -ne 'print unpack("u", $_)' input`},
  ],
  verbs: {
    known: ['Decode', 'Make readable', 'Turn back into plain text', 'Decipher'],
    unseen: ['Recover the text of', 'Unpack and read'],
  },
  families: [attachments, riddles, forms, dumps],
};
