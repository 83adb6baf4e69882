export type Outcome = 'passed' | 'failed' | 'skipped';

export interface TestResult {
  /** The test's full name, SIG included. */
  name: string;
  outcome: Outcome;
  seconds: number;
  /** What the suite said of the failure; '' otherwise. */
  failure: string;
}

/** A result, with all that the suite wrote while the test ran. */
export interface ReadSpec extends TestResult {
  output: string;
}

const separator = /^-{20,}$/;
const conclusion = /^([•SP]) \[(?:([A-Z][A-Z ]*)\] \[)?([\d.]+) seconds\]/;

/** What the conclusion's sign and word say; a word that is not known is a failure. */
function outcomeOf(sign: string, word: string | undefined): Outcome {
  if (sign !== '•' || word === 'SKIPPED' || word === 'PENDING') return 'skipped';
  return word === undefined || word === 'SLOW TEST' ? 'passed' : 'failed';
}

function failureIn(lines: readonly string[]): string {
  const at = lines.findIndex((line) => /^\s+\[(FAILED|TIMEDOUT|PANICKED|INTERRUPTED|ABORTED)\]/.test(line));
  if (at < 0) return '';
  const end = lines.findIndex((line, i) => i > at && /^\s+In \[/.test(line));
  return lines
    .slice(at, end < 0 ? at + 20 : end)
    .map((line) => line.trim())
    .join('\n')
    .replace(/^\[\w+\] /, '');
}

/**
 * Reads what the suite prints with `--ginkgo.v`, line by line, and tells each wanted test as soon as it is over; so an
 * interrupted run keeps what it has. Call `end` after the last line.
 */
export function createSpecReader(options: { wanted: ReadonlySet<string>; onSpec: (spec: ReadSpec) => void }): {
  line(text: string): void;
  end(): void;
} {
  let name: string | undefined;
  let output: string[] = [];
  let concluded: { at: number; outcome: Outcome; seconds: number } | undefined;

  const nameOf = (line: string): string | undefined => {
    if (!line.startsWith('[sig-')) return undefined;
    for (let end = line.length; end > 0; end = line.lastIndexOf(' [', end - 1))
      if (options.wanted.has(line.slice(0, end))) return line.slice(0, end);
    return undefined;
  };
  const close = (): void => {
    if (name !== undefined && concluded !== undefined) {
      const { at, outcome, seconds } = concluded;
      const failure = outcome === 'failed' ? failureIn(output.slice(at)) : '';
      options.onSpec({ name, outcome, seconds, failure, output: `${output.join('\n')}\n` });
    }
    name = undefined;
    concluded = undefined;
    output = [];
  };

  return {
    line(text) {
      if (separator.test(text)) return close();
      if (output.length === 0 && name === undefined) name = nameOf(text);
      if (name === undefined) return;
      const match = concluded ? null : conclusion.exec(text);
      if (match)
        concluded = { at: output.length, outcome: outcomeOf(match[1] ?? '', match[2]), seconds: Number(match[3]) };
      output.push(text);
    },
    end: close,
  };
}
