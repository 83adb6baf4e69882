/** Shows what is going on: one line per stage, redrawn while it runs on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Runs `work` as a stage named `title`; `say` changes the small text behind it. Nested stages are not meant. */
  stage<T>(title: string, work: (say: (detail: string) => void) => Promise<T>): Promise<T>;
  /** A line of its own, whatever is being drawn. */
  note(text: string): void;
  /** What the stages took, in order. */
  readonly taken: readonly { title: string; ms: number }[];
}

export function seconds(ms: number): string {
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function createProgress(stream: NodeJS.WriteStream = process.stdout): Progress {
  const terminal = stream.isTTY === true;
  const taken: { title: string; ms: number }[] = [];
  let redraw: (() => void) | undefined;
  const clear = (): void => void (terminal && stream.write('\r\x1b[K'));
  return {
    taken,
    note(text) {
      clear();
      stream.write(`${text}\n`);
      redraw?.();
    },
    async stage(title, work) {
      const started = Date.now();
      let detail = '';
      const draw = (): void => {
        const line = `• ${title} ${seconds(Date.now() - started)} ${detail}`;
        stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
      };
      let timer: NodeJS.Timeout | undefined;
      if (terminal) {
        redraw = draw;
        draw();
        timer = setInterval(draw, 500);
      } else stream.write(`• ${title} …\n`);
      const end = (mark: string): void => {
        clearInterval(timer);
        redraw = undefined;
        clear();
        const ms = Date.now() - started;
        taken.push({ title, ms });
        stream.write(`${mark} ${title} ${seconds(ms)}${detail === '' ? '' : ` (${detail})`}\n`);
      };
      try {
        const result = await work((text) => {
          detail = text;
        });
        end('✓');
        return result;
      } catch (error) {
        end('✗');
        throw error;
      }
    },
  };
}
