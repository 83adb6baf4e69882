import assert from 'node:assert/strict';
import { test } from 'node:test';
import { upgradeCommand } from './command.ts';

const refused: Record<string, [Parameters<typeof upgradeCommand>[0], string[], RegExp]> = {
  'what another command takes': ['rollback', ['--check'], /^knarr: knarr rollback has no option --check\n$/],
  'a version to go back to': ['rollback', ['1.36.2'], /knarr rollback can do nothing with "1\.36\.2"/],
  'two things to upgrade from': ['upgrade', ['/a', '/b'], /knarr upgrade can do nothing with "\/b"/],
  'nothing to upgrade from': ['upgrade', [], /needs what to upgrade from/],
  'a form of the status that is none': ['status', ['-o', 'yaml'], /-o is json or text, not "yaml"/],
  'no tries': ['upgrade', ['--tries', '0', '/a'], /--tries is a number from 1 to 9, not "0"/],
  'more time than there is': ['upgrade', ['--deadline', '3h', '/a'], /--deadline is from 10s to 110m, not 3h/],
  'what is no time': ['rollback', ['--deadline', '5'], /"5" is not a duration like 10s/],
};

for (const [name, [command, args, told]] of Object.entries(refused))
  test(`refused in one line: ${name}`, async (t) => {
    if (process.getuid?.() !== 0) return t.skip('the commands are for root alone');
    const said: string[] = [];
    t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
    assert.equal(await upgradeCommand(command, args), 1);
    t.mock.restoreAll();
    assert.match(said.join(''), told);
    assert.equal(said.join('').trim().split('\n').length, 1, said.join(''));
  });
