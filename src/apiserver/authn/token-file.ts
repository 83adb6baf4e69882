import { readFile } from 'node:fs/promises';
import type { UserInfo } from '../server.ts';

/** Rows of comma-separated values; quoted fields may hold commas, doubled quotes and line ends. */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = (): void => {
    row.push(field);
    field = '';
  };
  const endRow = (): void => {
    endField();
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  for (let i = 0; i < text.length; i++) {
    const letter = text[i] as string;
    if (quoted) {
      if (letter !== '"') field += letter;
      else if (text[i + 1] === '"') {
        field += '"';
        i++;
      } else quoted = false;
    } else if (letter === '"' && field === '') quoted = true;
    else if (letter === ',') endField();
    else if (letter === '\n') endRow();
    else if (letter !== '\r') field += letter;
  }
  endRow();
  return rows;
}

/** Users by their tokens: `token,user,uid[,"group,group"]` a line. Throws Error, worded as upstream. */
export function parseTokenFile(text: string): Map<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const row of rowsOf(text)) {
    const [token = '', name = '', uid = '', groups = ''] = row;
    if (row.length < 3)
      throw new Error(`token file must have at least 3 columns (token, user name, user uid), found ${row.length}`);
    if (token === '') continue;
    users.set(token, {
      name,
      uid,
      groups: groups
        .split(',')
        .map((group) => group.trim())
        .filter((group) => group !== ''),
    });
  }
  return users;
}

export const readTokenFile = async (path: string): Promise<Map<string, UserInfo>> =>
  parseTokenFile(await readFile(path, 'utf8'));
