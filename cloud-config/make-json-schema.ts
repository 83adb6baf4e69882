import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schemaOf } from './json-schema.ts';
import { schema } from './schema.ts';

export const schemaFile = join(import.meta.dirname, '../docs/cloud-config.schema.json');

/** The language as editors and checkers read it. */
export const jsonSchema = (): string =>
  `${JSON.stringify(
    { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'cloud-config of Knarr', ...schemaOf(schema) },
    null,
    1,
  )}\n`;

if (import.meta.main) await writeFile(schemaFile, jsonSchema());
