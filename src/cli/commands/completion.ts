import { KnarrError } from '../../base/errors.ts';
import { flagsOf } from '../../daemon/flags/table.ts';
import { commands } from '../command.ts';

const words = (role: 'server' | 'agent'): string =>
  flagsOf(role)
    .filter((flag) => flag.hidden !== true)
    .map((flag) => `--${flag.name}`)
    .join(' ');

const bash = (): string => `_knarr() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" list=""
  if [ "$COMP_CWORD" -eq 1 ]; then list="${commands.map((c) => c.name).join(' ')}"
  elif [ "$command" = server ]; then list="${words('server')}"
  elif [ "$command" = agent ]; then list="${words('agent')}"
  fi
  COMPREPLY=($(compgen -W "$list" -- "$word"))
}
complete -o default -F _knarr knarr
`;

const zsh = (): string => `#compdef knarr
autoload -U +X bashcompinit && bashcompinit
${bash()}`;

export async function run(args: readonly string[]): Promise<number> {
  const shells: Readonly<Record<string, () => string>> = { bash, zsh };
  const script = shells[args[0] ?? ''];
  if (script === undefined)
    throw new KnarrError({
      code: 'usage',
      blame: 'user',
      message: 'knarr completion bash|zsh prints a script to source',
    });
  process.stdout.write(script());
  return 0;
}
