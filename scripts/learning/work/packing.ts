import type {Random} from '../../../src/base/random.ts';
import {letters} from '../choose.ts';
import type {Family, Work} from '../task.ts';

const BLOCK = 60_000;

/** Packed it must be at most so many bytes, and come out as it went in by one of the common unpackers. */
function verifyWithin(bytes: number): string {
  const unpacks =
    'for unpack in gzip bzip2 xz zstd; do $unpack -dc <output 2>/dev/null | cmp -s - input && exit 0; done';
  return `size=$(wc -c <output); [ "$size" -le ${bytes} ] || { echo "$size bytes are more than ${bytes}"; exit 1; }
    ${unpacks}; echo "it does not come out as it went in"; exit 1`;
}

/** The same block again: worth much to whoever looks back that far. */
function repeated(random: Random): string {
  const block = letters(random, BLOCK).replaceAll(/(.{60})/g, '$1\n');
  return block + block;
}

const snapshots: Family = {
  name: 'pack snapshots',
  things: {
    known: [
      'the nightly snapshots of the database',
      'the daily backups of the configuration',
      'the snapshot pairs of the virtual machine',
      'the backup copies of the registry',
      'the repeated backups of the file server',
    ],
    unseen: ['the backups taken of the database every night', "the virtual machine's daily snapshots"],
  },
  // One block takes log2(26) bits a letter, 0.59 bytes; two of them that are not seen as one do not fit.
  make: random => ({input: repeated(random), expected: null, verify: verifyWithin(Math.round(BLOCK * 0.72))}),
};

const telegrams: Family = {
  name: 'pack messages',
  things: {
    known: [
      'the radio messages of the buoys',
      'the short messages of the pagers',
      'the radio telegrams of the ships',
      'the messages for the satellite link',
      'the short telegrams of the weather stations',
    ],
    unseen: ['the telegrams that the buoys radio', 'the messages sent by satellite radio'],
  },
  // So short that what a format adds decides.
  make: random => {
    const input = letters(random, 40, 'abcdefghij').repeat(3);
    return {input, expected: null, verify: verifyWithin(58)};
  },
};

export const packing: Work = {
  approaches: [
    {name: 'gzip -1', command: 'gzip -1 -c <input'},
    {name: 'gzip -9', command: 'gzip -9 -c <input'},
    {name: 'bzip2', command: 'bzip2 -9 -c <input'},
    {name: 'bzip2 -1', command: 'bzip2 -1 -c <input'},
    {name: 'xz -9e', command: 'xz -9e -c <input'},
    {name: 'xz -0', command: 'xz -0 -c <input'},
    {name: 'zstd -1', command: 'zstd -q -1 -c <input'},
    {name: 'zstd -19', command: 'zstd -q -19 -c <input'},
  ],
  verbs: {
    known: ['Compress', 'Make small enough for the quota', 'Shrink', 'Pack'],
    unseen: ['Squeeze into the space that is left', 'Reduce the size of'],
  },
  families: [snapshots, telegrams],
};
