import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { Host } from '../../cloud-config/host.ts';
import { type CloudConfig, renderProblem } from '../../cloud-config/schema.ts';
import { fetchHttp, type Http, needed } from '../../cloud-config/sources/http.ts';
import { parseUserData } from '../../cloud-config/user-data.ts';
import { delay } from '../../src/base/abort.ts';
import { KnarrError, messageOf } from '../../src/base/errors.ts';

/** The cloud-config of an installed machine: the text that is kept there, and what in it will be left out. */
export interface KeptConfig {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** Tries again for a while what the world refuses: the network may not be there yet. */
async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(2_000);
    }
  }
}

/**
 * Fetches and reads a cloud-config from a URL or a path. Throws KnarrError when it cannot be had, or is no cloud-config
 * at all; single mistakes are warnings, for a boot goes on with what is right too.
 */
export async function fetchConfig(
  from: string,
  host: Host,
  { http = fetchHttp, patienceMs = 0 }: { http?: Http; patienceMs?: number } = {},
): Promise<KeptConfig> {
  const cannot = (why: string): KnarrError =>
    new KnarrError({ code: 'install-config', blame: 'user', message: `the cloud-config ${from}: ${why}` });
  let bytes: Buffer;
  try {
    bytes = /^https?:/.test(from)
      ? await patiently(patienceMs, () => needed(http, from, { timeoutMs: 30_000 }))
      : await readFile(host.path(from.replace(/^file:\/\//, '')));
  } catch (error) {
    throw cannot(messageOf(error));
  }
  const { config, problems } = parseUserData(from, bytes);
  const whole = problems.find(({ key }) => key === '');
  if (whole !== undefined) throw cannot(renderProblem(whole));
  const text = bytes.toString();
  // scripts and messages of several parts are kept as the cloud-config that they amount to
  const plain = !text.startsWith('#!') && !/^(content-type|mime-version):/i.test(text) && bytes[0] !== 0x1f;
  return { text: plain ? text : textOf(config), warnings: problems.map(renderProblem) };
}

/** A configuration as a file, without what only the installer needs. */
export function textOf(config: CloudConfig): string {
  const { install: _, ...k3os } = config.k3os ?? {};
  const { k3os: __, ...rest } = config;
  const kept = { ...rest, ...(Object.keys(k3os).length === 0 ? {} : { k3os }) };
  return Object.keys(kept).length === 0 ? '#cloud-config\n' : `#cloud-config\n${stringify(kept)}`;
}
