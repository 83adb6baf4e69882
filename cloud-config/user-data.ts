import { gunzipSync } from 'node:zlib';
import { messageOf } from '../src/base/errors.ts';
import { mergeConfigs } from './merge.ts';
import { type Parsed, parseCloudConfig } from './parse.ts';

const program = '/run/knarr/user-data';

/**
 * User-data in all its forms: a cloud-config, with or without its first line; a script or a program, which runs once
 * the machine is up; several of these in a MIME message; each of them compressed by gzip or not.
 */
export function parseUserData(source: string, given: Buffer | string): Parsed {
  const refused = (message: string): Parsed => ({
    config: {},
    problems: [{ source, line: 1, column: 1, key: '', message }],
  });
  let bytes: Buffer;
  try {
    bytes = unzipped(Buffer.from(given));
  } catch (error) {
    return refused(`begins as gzip does, and cannot be unpacked: ${messageOf(error)}`);
  }
  if (bytes.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1')))
    return {
      config: {
        write_files: [{ path: program, content: bytes.toString('base64'), encoding: 'b64', permissions: '0700' }],
        run_cmd: [program],
      },
      problems: [],
    };
  const text = bytes.toString().replace(/^\uFEFF/, '');
  if (text.startsWith('#!')) return { config: { run_cmd: [text] }, problems: [] };
  if (/^(content-type|mime-version):/i.test(text)) return parseMessage(source, text);
  const other = /^#(include|include-once|cloud-boothook|cloud-config-archive|part-handler|upstart-job)\b/.exec(text);
  if (other || text.startsWith('## template:'))
    return refused(`user-data of the kind ${other?.[0] ?? '## template'} is not read: write #cloud-config or a script`);
  return parseCloudConfig(source, text);
}

function unzipped(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: 64 * 1024 * 1024 }) : bytes;
}

/** RFC 2046: the parts of a message, each by its own kind. */
function parseMessage(source: string, text: string): Parsed {
  const [head, body] = halves(text);
  const boundary = /boundary="?([^";\s]+)"?/i.exec(head)?.[1];
  if (boundary === undefined) return parsePart(source, head, body);
  const parts = `\n${body}`.split(`\n--${boundary}`).slice(1);
  const parsed = parts
    .filter((part) => !part.startsWith('--'))
    .map((part, index) => {
      const [partHead, partBody] = halves(part.replace(/^[^\n]*\n/, ''));
      return parsePart(`${source}#${index + 1}`, partHead, partBody);
    });
  return {
    config: mergeConfigs(parsed.map(({ config }) => config)),
    problems: parsed.flatMap((part) => part.problems),
  };
}

function parsePart(source: string, head: string, body: string): Parsed {
  const coded = /^content-transfer-encoding:\s*base64/im.test(head);
  return parseUserData(source, coded ? Buffer.from(body, 'base64') : body.replaceAll('\r\n', '\n'));
}

function halves(text: string): [head: string, body: string] {
  const plain = text.replaceAll('\r\n', '\n');
  const at = plain.indexOf('\n\n');
  return at < 0 ? ['', plain] : [plain.slice(0, at).replace(/\n[ \t]+/g, ' '), plain.slice(at + 2)];
}
