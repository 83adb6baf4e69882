import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from './arguments.ts';

const flags = [
  { name: 'data-dir', aliases: ['d'], type: 'string' },
  { name: 'debug', type: 'boolean' },
  { name: 'node-label', type: 'list' },
] as const;

test('flags are taken in every form, words are left', () => {
  const { flags: found, words } = parseArguments(
    ['-d', '/x', '--debug', 'word', '--node-label=a=1', '--node-label', 'b=2', '--', '--debug=no'],
    flags,
  );
  assert.deepEqual(
    [...found],
    [
      ['data-dir', ['/x']],
      ['debug', ['true']],
      ['node-label', ['a=1', 'b=2']],
    ],
  );
  assert.deepEqual(words, ['word', '--debug=no']);
});

test('mistakes are the user’s and say what is wrong', () => {
  assert.throws(() => parseArguments(['--nope=1'], flags), /flag provided but not defined: --nope/);
  assert.throws(() => parseArguments(['--data-dir'], flags), /flag needs an argument: --data-dir/);
  assert.throws(() => parseArguments(['--debug=maybe'], flags), /--debug: "maybe" is not true or false/);
});

test('help is asked for by either name', () => assert.equal(parseArguments(['-h'], flags).help, true));
