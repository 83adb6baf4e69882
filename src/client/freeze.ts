/** Freezes a JSON value all the way down; a value that is frozen already is taken to be so inside. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const name in value) {
    const inner = value[name];
    if (typeof inner === 'object') deepFreeze(inner);
  }
  return value;
}
