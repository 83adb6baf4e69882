export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Record<string, string | number | boolean | undefined>;

/** A logger of one part; lines go to standard error as `time level part: message key=value …` (one line each). */
export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  child(part: string): Logger;
}

const order: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

function fieldText(value: string | number | boolean): string {
  const text = String(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

export function createLogger(options: { part: string; level?: Level; write?: (line: string) => void }): Logger {
  const { part, level = 'info', write = (line: string) => void process.stderr.write(line) } = options;
  const log = (at: Level, message: string, fields: Fields = {}): void => {
    if (order[at] < order[level]) return;
    const pairs = Object.entries(fields).flatMap(([k, v]) => (v === undefined ? [] : [` ${k}=${fieldText(v)}`]));
    write(`${new Date().toISOString()} ${at} ${part}: ${message.replaceAll('\n', '\\n')}${pairs.join('')}\n`);
  };
  return {
    debug: (m, f) => log('debug', m, f),
    info: (m, f) => log('info', m, f),
    warn: (m, f) => log('warn', m, f),
    error: (m, f) => log('error', m, f),
    child: (name) => createLogger({ part: `${part}/${name}`, level, write }),
  };
}

/** A logger that drops everything; for tests. */
export const silent: Logger = createLogger({ part: '', write: () => {} });
