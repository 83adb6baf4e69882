import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../../src/daemon/containerd/programs.ts';
import { testFolder } from '../harness/folder.ts';
import { cpuSeconds } from './processes.ts';
import type { Target } from './target.ts';

export interface Load {
  connections: number;
  seconds: number;
  contentType?: string;
  /** Body of Lua's `request` function; `n` counts from 1. */
  request: string;
}

export interface LoadResult {
  perSecond: number;
  errors: number;
  requests?: number;
  /** Set when the generator itself used a whole core: the server could do more. */
  note?: string;
}

const script = (target: Target, load: Load): string => `
wrk.headers["Authorization"] = "Bearer ${target.token}"
wrk.headers["Content-Type"] = "${load.contentType ?? 'application/json'}"
local n = 0
function request()
  n = n + 1
  ${load.request}
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d\\n", summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout))
end
`;

/** Loads the target over HTTP/1.1 from one thread of wrk. Throws where wrk is not installed. */
export async function wrk(target: Target, load: Load): Promise<LoadResult> {
  const program = await findProgram('wrk');
  if (program === undefined) throw new Error('install wrk (Debian package wrk): it is the load generator');
  const folder = await testFolder('wrk');
  try {
    const file = join(folder, 'load.lua');
    await writeFile(file, script(target, load));
    const args = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '10s', '-s', file, target.url];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    let used = 0;
    const begun = performance.now();
    let measured = begun;
    const sample = setInterval(() => {
      cpuSeconds(child.pid ?? 0).then(
        (seconds) => {
          used = seconds;
          measured = performance.now();
        },
        () => {},
      );
    }, 250);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    clearInterval(sample);
    const output = Buffer.concat(chunks).toString();
    const match = /RESULT (\d+) (\d+) (\d+) (\d+)/.exec(output);
    if (code !== 0 || match === null) throw new Error(`wrk failed: ${output}`);
    const [, requests, microseconds, status, other] = match.map(Number);
    const share = used / ((measured - begun) / 1000);
    const errors = (status ?? 0) + (other ?? 0);
    const notes = [
      ...(share > 0.9 ? [`the generator used ${Math.round(share * 100)} % of a core: it is the bottleneck`] : []),
      ...(errors > 0 ? [`${errors} answers were errors`] : []),
    ];
    return {
      perSecond: (requests ?? 0) / ((microseconds ?? 1) / 1e6),
      errors,
      requests: requests ?? 0,
      ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
