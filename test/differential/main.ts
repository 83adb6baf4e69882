/**
 * One set of requests, sent to upstream's API server and to Knarr's; the answers compared.
 *
 *   node test/differential/main.ts record  --server URL --token TOKEN     upstream's answers → recorded.jsonl.gz
 *   node test/differential/main.ts compare --server URL --token TOKEN     against the recording; exit code 1 on a new difference
 *       [--only TEXT]  (of either) only steps whose id contains TEXT       [--verbose]  every difference in full
 *       [--update]     writes the ids that differ to different.txt, whose lines `npm test` lets differ
 *
 * The server needs an empty datastore, no controllers, and a token of the group system:masters.
 * `accepted.json` lists what may differ: id → reason.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parseExact } from '../../src/base/exact-json.ts';
import { differences, normalize } from './normalize.ts';
import { type Answer, createServer, sendAll } from './send.ts';
import { allSteps, type Step } from './steps.ts';

const recording = new URL('recorded.jsonl.gz', import.meta.url);
const openFile = new URL('different.txt', import.meta.url);
const acceptedFile = new URL('accepted.json', import.meta.url);

export interface Comparison {
  same: number;
  accepted: number;
  different: { id: string; lines: string[] }[];
}

const readRecording = (): Map<string, Answer> => {
  const lines = gunzipSync(readFileSync(recording)).toString().trim().split('\n');
  return new Map(lines.map((line) => parseExact(line) as [string, Answer]));
};

/** The steps that `only` picks, with those that make what all need. */
const chosenSteps = (only: string | undefined): Step[] =>
  allSteps().filter(({ id }) => !only || id.includes(only) || id.startsWith('prepare'));

/** Sends the set (the steps that `only` picks) to a server and holds the answers against the recording. */
export async function compare(options: {
  url: string;
  token: string;
  only?: string;
  onProgress?: (done: number, of: number) => void;
}): Promise<Comparison> {
  const recorded = readRecording();
  const accepted = existsSync(acceptedFile)
    ? (JSON.parse(readFileSync(acceptedFile, 'utf8')) as Record<string, string>)
    : {};
  const steps = chosenSteps(options.only);
  const server = createServer(options);
  const answers = await sendAll(server, steps, (done) => options.onProgress?.(done, steps.length));
  server.close();
  const result: Comparison = { same: 0, accepted: 0, different: [] };
  for (const { id } of steps) {
    const theirs = recorded.get(id);
    const answer = answers.get(id);
    if (!theirs || !answer) throw new Error(`"${id}" is not in the recording: record again`);
    const lines = differences(normalize(theirs), parseExact(JSON.stringify(normalize(answer))));
    if (lines.length === 0) result.same++;
    else if (accepted[id]) result.accepted++;
    else result.different.push({ id, lines });
  }
  return result;
}

/** Records the set anew, or the steps that `only` picks, in the place of what was recorded of them. */
async function record(options: { url: string; token: string; only?: string }): Promise<void> {
  const { only } = options;
  const server = createServer(options);
  const answers = await sendAll(server, chosenSteps(only), () => {}, { settleMs: 1000 });
  server.close();
  const known = only ? readRecording() : new Map<string, Answer>();
  for (const [id, answer] of answers) if (!only || id.includes(only)) known.set(id, normalize(answer));
  const lines = allSteps().flatMap(({ id }) => (known.has(id) ? [JSON.stringify([id, known.get(id)])] : []));
  writeFileSync(recording, gzipSync(`${lines.join('\n')}\n`, { level: 9 }));
  console.log(`${answers.size} answers recorded`);
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { type: 'string' },
      token: { type: 'string' },
      only: { type: 'string' },
      verbose: { type: 'boolean' },
      update: { type: 'boolean' },
    },
  });
  const { server: url, token } = values;
  if (!url || !token || !['record', 'compare'].includes(positionals[0] ?? '')) {
    console.error(
      'usage: node test/differential/main.ts record|compare --server URL --token TOKEN [--only TEXT] [--verbose]',
    );
    process.exit(2);
  }
  if (positionals[0] === 'record') await record({ url, token, ...(values.only ? { only: values.only } : {}) });
  else {
    const result = await compare({ url, token, ...(values.only ? { only: values.only } : {}) });
    for (const { id, lines } of result.different) {
      console.log(
        `${id}\n${(values.verbose ? lines : lines.slice(0, 3)).map((l) => `    ${l.slice(0, values.verbose ? 2000 : 240)}`).join('\n')}`,
      );
    }
    if (values.update) writeFileSync(openFile, `${result.different.map((d) => d.id).join('\n')}\n`);
    console.log(`${result.same} same, ${result.accepted} accepted, ${result.different.length} different`);
    process.exitCode = result.different.length === 0 ? 0 : 1;
  }
}
