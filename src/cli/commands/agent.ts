import { readAgentConfig } from '../../daemon/config.ts';
import { flagsOf } from '../../daemon/flags/table.ts';
import { untilOnline } from '../../daemon/online.ts';
import { runDaemon } from '../../daemon/process.ts';
import { parseArguments } from '../arguments.ts';
import { flagHelp } from '../help.ts';

export async function run(args: readonly string[]): Promise<number | undefined> {
  const { flags, words, help } = parseArguments(args, flagsOf('agent'));
  if (help || words.length > 0) {
    if (words.length > 0) process.stderr.write(`knarr agent takes no ${JSON.stringify(words[0])}\n\n`);
    process.stdout.write(`USAGE:\n   knarr agent [options]\n\n${flagHelp(flagsOf('agent'))}`);
    return help ? 0 : 1;
  }
  await untilOnline();
  const config = await readAgentConfig({ commandLine: flags, env: process.env });
  return runDaemon(config, async (log, board) =>
    (await import('../../daemon/agent.ts')).createAgent({ config, log, board }),
  );
}
