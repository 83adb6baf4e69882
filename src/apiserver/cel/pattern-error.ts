/** Why a text is no pattern, as Go says it. */
export class PatternError extends Error {
  constructor(why: string, part: string) {
    super(`error parsing regexp: ${why}: \`${part}\``);
  }
}
