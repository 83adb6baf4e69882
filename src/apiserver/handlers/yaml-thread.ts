import { Worker } from 'node:worker_threads';
import { entityTooLarge, tooManyRequests } from '../../api/status.ts';
import { type ReadYaml, readYaml } from './yaml-body.ts';
import type { YamlAnswer } from './yaml-worker.ts';

/** In a bundle the thread's program stands beside it, as `yaml-worker.js`. */
const program = new URL(import.meta.url.endsWith('.ts') ? './yaml-worker.ts' : './yaml-worker.js', import.meta.url);

/** YAML costs microseconds a byte: more than this is not read between the requests of others. */
export const mostInTurn = 16 * 1024;

const mostWaiting = 8;
const idleMs = 30_000;
const heapMb = 512;

interface Waiting {
  readonly text: string;
  resolve(read: ReadYaml): void;
  reject(error: Error): void;
}

const queue: Waiting[] = [];
let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;

function end(): void {
  const ended = worker;
  worker = undefined;
  void ended?.terminate();
}

function next(): void {
  clearTimeout(idle);
  const [first] = queue;
  if (first) {
    worker ??= start();
    worker.postMessage(first.text);
  } else {
    idle = setTimeout(end, idleMs);
    idle.unref();
  }
}

function start(): Worker {
  const started = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: heapMb } });
  started.unref();
  started.on('message', (answer: YamlAnswer) => {
    const done = queue.shift();
    if ('read' in answer) done?.resolve(answer.read);
    else done?.reject(new Error(answer.error));
    next();
  });
  // It ran out of memory, or could not start: who comes next gets a new one.
  started.on('error', () => {
    if (worker === started) worker = undefined;
    queue.shift()?.reject(entityTooLarge('this YAML takes too much memory to read: send JSON'));
    next();
  });
  return started;
}

/**
 * A YAML document as `readYaml` reads it; a large one is read by a thread of its own, so that nobody waits for it but
 * who sent it. Rejects with Error for what is no YAML, with ApiError when too many are waiting.
 */
export function readYamlAside(text: string): ReadYaml | Promise<ReadYaml> {
  if (text.length <= mostInTurn) return readYaml(text);
  if (queue.length >= mostWaiting)
    return Promise.reject(tooManyRequests('too many large YAML bodies are being read: send JSON', 1));
  return new Promise((resolve, reject) => {
    queue.push({ text, resolve, reject });
    if (queue.length === 1) next();
  });
}
