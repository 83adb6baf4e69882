import { KnarrError, messageOf } from '../base/errors.ts';
import { nameOfVersion } from '../daemon/version.ts';
import { commands } from './command.ts';

const overview = (): string =>
  `knarr: turns a machine into a Kubernetes node

USAGE:
   knarr COMMAND [options]

COMMANDS:
${commands.map((command) => `   ${command.name.padEnd(14)} ${command.usage}`).join('\n')}

   knarr COMMAND --help shows the options of a command.
`;

/** Runs one command line; resolves with the exit code, or undefined while a daemon goes on. */
async function main(args: readonly string[]): Promise<number | undefined> {
  const [word, ...rest] = args;
  if (word === undefined || word === 'help' || word === '--help' || word === '-h') {
    process.stdout.write(overview());
    return 0;
  }
  if (word === '--version' || word === '-v' || word === 'version') {
    process.stdout.write(`knarr version ${nameOfVersion}\nnode version ${process.version}\n`);
    return 0;
  }
  const command = commands.find((c) => c.name === word);
  if (command === undefined)
    throw new KnarrError({
      code: 'usage',
      blame: 'user',
      message: `there is no command ${JSON.stringify(word)}; "knarr help" lists them`,
    });
  const { run } = await command.load();
  return run(rest);
}

try {
  const code = await main(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  const known = error instanceof KnarrError && error.blame !== 'bug';
  process.stderr.write(`knarr: ${known ? messageOf(error) : ((error as Error)?.stack ?? messageOf(error))}\n`);
  process.exitCode = 1;
}
