/** One word after `knarr`. Its module is loaded only when it is called, so that every command starts fast. */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly load: () => Promise<{ run: (args: readonly string[]) => Promise<number | undefined> }>;
}

/** A command of the machine's own program. */
const ofMachine = (name: string, usage: string): Command => ({
  name,
  usage,
  load: async () => ({ run: (await import('./commands/machine-program.ts')).machineCommand(name) }),
});

/** All commands, in the order in which help shows them. `run` resolves with the exit code, or undefined to stay. */
export const commands: readonly Command[] = [
  {
    name: 'server',
    usage: 'Run a server, and a node unless told otherwise',
    load: () => import('./commands/server.ts'),
  },
  { name: 'agent', usage: 'Run a node that joins a server', load: () => import('./commands/agent.ts') },
  { name: 'kubectl', usage: 'Run kubectl against this machine’s cluster', load: () => import('./commands/kubectl.ts') },
  { name: 'crictl', usage: 'Run crictl against this node’s containers', load: () => import('./commands/crictl.ts') },
  { name: 'ctr', usage: 'Run ctr against this node’s containerd', load: () => import('./commands/ctr.ts') },
  { name: 'token', usage: 'Manage the tokens by which machines join', load: () => import('./commands/token.ts') },
  { name: 'certificate', usage: 'Check or renew certificates', load: () => import('./commands/certificate.ts') },
  {
    name: 'secrets-encrypt',
    usage: 'Show, switch and turn over the keys of Secrets in the datastore',
    load: () => import('./commands/secrets-encrypt.ts'),
  },
  {
    name: 'check-config',
    usage: 'Say what this machine lacks to be a node',
    load: () => import('./commands/check-config.ts'),
  },
  ofMachine('config', 'Check, show or compare this machine’s cloud-config'),
  ofMachine('install', 'Put Knarr on a disk of this machine'),
  ofMachine('upgrade', 'Put another version into the other slot, and try it'),
  ofMachine('rollback', 'Go back to the version of the other slot'),
  ofMachine('status', 'Show what is in the slots, and how the last upgrade ended'),
  ofMachine('reset', 'Give this machine back as it was when it was new'),
  { name: 'image', usage: 'Build an image, in a clone of the repository', load: () => import('./commands/image.ts') },
  {
    name: 'completion',
    usage: 'Print the completion script of a shell',
    load: () => import('./commands/completion.ts'),
  },
];
