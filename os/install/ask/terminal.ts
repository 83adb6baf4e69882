import { confirm, intro, isCancel, log, note, password, select, text } from '@clack/prompts';
import { KnarrError } from '../../../src/base/errors.ts';
import type { Asker } from './asker.ts';

function given<T>(answer: T): Exclude<T, symbol> {
  if (!isCancel(answer)) return answer as Exclude<T, symbol>;
  throw new KnarrError({ code: 'cancelled', blame: 'user', message: 'nothing was changed' });
}

/** A person at a terminal, which may be a serial line. */
export function terminalAsker(title: string): Asker {
  intro(title);
  return {
    select: async ({ message, options, initial }) =>
      given(
        await select({
          message,
          options: options.map(({ hint, ...option }) => (hint === undefined ? option : { ...option, hint })) as never,
          maxItems: 12,
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      ) as never,
    text: async ({ message, placeholder, initial, validate }) =>
      (
        given(
          await text({
            message,
            ...(placeholder === undefined ? {} : { placeholder }),
            ...(initial === undefined ? {} : { initialValue: initial }),
            validate: (answer) => validate?.((answer ?? '').trim()),
          }),
        ) ?? ''
      ).trim(),
    secret: async ({ message, validate }) =>
      given(await password({ message, mask: '*', validate: (answer) => validate?.(answer ?? '') })) ?? '',
    confirm: async ({ message, initial }) => given(await confirm({ message, initialValue: initial })),
    show: (heading, lines) => (heading === '' ? log.message([...lines]) : note(lines.join('\n'), heading)),
  };
}
