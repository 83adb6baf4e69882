import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { exactInteger, mayHoldLong } from '../../base/exact-json.ts';
import { goTags } from '../../wire/yaml-tags.ts';

export interface ReadYaml {
  readonly value: unknown;
  /** Go's text for keys that stand twice in a mapping; undefined when none does. */
  readonly duplicates: string | undefined;
}

/** The most that aliases may multiply a document. */
const maxAliasCount = 100;

const exactValue = (_key: unknown, value: unknown): unknown =>
  typeof value === 'bigint' ? exactInteger(value) : value;

/** A document of YAML 1.1 as JSON data; of keys that stand twice the last one counts. Throws Error with what is wrong. */
export function readYaml(text: string): ReadYaml {
  const lines = new LineCounter();
  const exact = mayHoldLong(text);
  const document = parseDocument(text, {
    intAsBigInt: exact,
    uniqueKeys: false,
    logLevel: 'silent',
    lineCounter: lines,
    version: '1.1',
    customTags: goTags,
  });
  const [error] = document.errors;
  if (error) throw new Error(`yaml: ${error.message.split('\n')[0]}`);
  const found: string[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          const { line } = lines.linePos(key.range?.[0] ?? 0);
          found.push(`  line ${line}: key ${JSON.stringify(String(key.value))} already set in map`);
        }
        seen.add(key.value);
      }
    },
  });
  return {
    value: document.toJS({ maxAliasCount, ...(exact ? { reviver: exactValue } : {}) }) as unknown,
    duplicates: found.length > 0 ? `yaml: unmarshal errors:\n${found.join('\n')}` : undefined,
  };
}
