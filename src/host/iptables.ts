import { systemCode } from '../base/errors.ts';
import { run } from '../base/run.ts';
import { hostTimeoutMs, type Runner } from './tools.ts';

/**
 * The rules of other programs that live in iptables. Ours live in nftables; this is for the one thing that they cannot
 * do there: undo a drop that somebody else's chain decides (a packet passes only if every table lets it).
 */
export interface Iptables {
  /** The policy of a built-in chain of the filter table; undefined when iptables is not installed or has no such table. */
  policy(family: 4 | 6, chain: string): Promise<string | undefined>;
  /** Fills a chain of ours with exactly these rules and jumps to it first thing in `from`. */
  ensureChain(
    family: 4 | 6,
    options: { chain: string; from: string; rules: readonly (readonly string[])[] },
  ): Promise<void>;
}

const programs = { 4: 'iptables', 6: 'ip6tables' } as const;

export function createIptables(options: { runner?: Runner } = {}): Iptables {
  const { runner = run } = options;
  const call = (family: 4 | 6, args: readonly string[], okCodes: readonly number[] = [0]) =>
    runner(programs[family], ['-w', '5', ...args], { timeoutMs: hostTimeoutMs, okCodes });

  return {
    async policy(family, chain) {
      try {
        const { stdout } = await call(family, ['-S', chain], [0, 1, 2, 3, 4]);
        return new RegExp(`^-P ${chain} (\\S+)`, 'm').exec(stdout)?.[1];
      } catch (error) {
        if (systemCode((error as { cause?: unknown }).cause) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async ensureChain(family, { chain, from, rules }) {
      const listed = await call(family, ['-S', chain], [0, 1]);
      const wanted = rules.map((rule) => `-A ${chain} ${rule.join(' ')}`);
      const held = listed.stdout.split('\n').filter((line) => line.startsWith('-A '));
      if (listed.code !== 0) await call(family, ['-N', chain]);
      if (held.join('\n') !== wanted.join('\n')) {
        await call(family, ['-F', chain]);
        for (const rule of rules) await call(family, ['-A', chain, ...rule]);
      }
      const { code } = await call(family, ['-C', from, '-j', chain], [0, 1]);
      if (code !== 0) await call(family, ['-I', from, '-j', chain]);
    },
  };
}
