/** Fills in what is absent in one value of a type. Rules of outer types run before those of the types inside. */
export type Rule = (value: never) => void;

/** Rules by the OpenAPI name of the type they are for. */
export type Rules = Readonly<Record<string, Rule>>;

/** A rule that sets the fields that are absent. Defaults that are objects are made anew each time. */
export function absent(defaults: Record<string, unknown>): (value: object) => void {
  const entries = Object.entries(defaults);
  return (value) => fill(value as Record<string, unknown>, entries);
}

/** The same for fields whose zero value means that nothing is given. */
export function zero(defaults: Record<string, unknown>): (value: object) => void {
  const entries = Object.entries(defaults);
  return (value) => {
    const fields = value as Record<string, unknown>;
    for (const [key, given] of entries) if (!fields[key]) fields[key] = given;
  };
}

function fill(value: Record<string, unknown>, entries: [string, unknown][]): void {
  for (const [key, given] of entries) {
    if (value[key] === undefined || value[key] === null)
      value[key] = typeof given === 'object' ? structuredClone(given) : given;
  }
}

/** Rules of one package of types, by their short names. */
export function inPackage(name: string, rules: Rules): Rules {
  return Object.fromEntries(Object.entries(rules).map(([type, rule]) => [`${name}.${type}`, rule]));
}
