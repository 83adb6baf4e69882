import { readServerConfig } from '../../daemon/config.ts';
import { flagsOf } from '../../daemon/flags/table.ts';
import { untilOnline } from '../../daemon/online.ts';
import { runDaemon } from '../../daemon/process.ts';
import { parseArguments } from '../arguments.ts';
import { flagHelp } from '../help.ts';

export async function run(args: readonly string[]): Promise<number | undefined> {
  const { flags, words, help } = parseArguments(args, flagsOf('server'));
  if (help || words.length > 0) {
    if (words.length > 0) process.stderr.write(`knarr server takes no ${JSON.stringify(words[0])}\n\n`);
    process.stdout.write(`USAGE:\n   knarr server [options]\n\n${flagHelp(flagsOf('server'))}`);
    return help ? 0 : 1;
  }
  await untilOnline();
  const config = await readServerConfig({ commandLine: flags, env: process.env });
  return runDaemon(config, async (log, board) =>
    (await import('../../daemon/server.ts')).createServer({ config, log, board }),
  );
}
