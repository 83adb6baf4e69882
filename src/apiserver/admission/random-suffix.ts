import { randomInt } from 'node:crypto';

/** No vowels and nothing that looks like another letter: upstream's alphabet for generated names. */
const letters = 'bcdfghjklmnpqrstvwxz2456789';

export function randomSuffix(length = 5): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}
