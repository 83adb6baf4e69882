import { readFile } from 'node:fs/promises';
import { KnarrError, systemCode } from '../../base/errors.ts';

const base = /\{\{-?\s*template\s+"base"\s+\.\s*-?\}\}/g;

const refuse = (file: string, why: string): KnarrError =>
  new KnarrError({ code: 'invalid-template', blame: 'user', message: `${file}: ${why}` });

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The user's template with the daemon's own configuration in the place of `{{ template "base" . }}`. */
export function fillTemplate(file: string, template: string, own: string): string {
  const rest = template.replace(base, '');
  const action = /\{\{.*?(\}\}|$)/.exec(rest)?.[0];
  if (action !== undefined)
    throw refuse(file, `${action} is not supported; write plain TOML around {{ template "base" . }}`);
  return template.replace(base, () => own.trimEnd());
}

/**
 * What containerd reads: `own`, or the template that the user laid beside it. Throws KnarrError `invalid-template` for
 * one that is of another containerd's version, or that needs more than the base.
 */
export async function withTemplate(
  own: string,
  major: number,
  files: { readonly v2: string; readonly v3: string },
): Promise<string> {
  const [file, other] = major === 1 ? [files.v2, files.v3] : [files.v3, files.v2];
  const [template, foreign] = await Promise.all([readIfThere(file), readIfThere(other)]);
  if (template !== undefined) return fillTemplate(file, template, own);
  if (foreign !== undefined) throw refuse(other, `this machine’s containerd is version ${major}: it takes ${file}`);
  return own;
}
