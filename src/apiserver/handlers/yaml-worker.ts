import { parentPort } from 'node:worker_threads';
import { type ReadYaml, readYaml } from './yaml-body.ts';

/** The thread that reads large YAML bodies, one after the other. */
export type YamlAnswer = { readonly read: ReadYaml } | { readonly error: string };

const answerTo = (text: string): YamlAnswer => {
  try {
    return { read: readYaml(text) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
};

parentPort?.on('message', (text: string) => parentPort?.postMessage(answerTo(text)));
