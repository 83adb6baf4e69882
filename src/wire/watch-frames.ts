/** Frames of a watch stream. JSON: one event per line. Protobuf: a four-byte big-endian length, then a WatchEvent. */

const jsonHeads = new Map<string, Buffer>();
const jsonTail = Buffer.from('}\n');

/** One event as JSON; `object` is the object's JSON bytes. */
export function jsonFrame(type: string, object: Uint8Array): Buffer {
  let head = jsonHeads.get(type);
  if (!head) {
    head = Buffer.from(`{"type":${JSON.stringify(type)},"object":`);
    jsonHeads.set(type, head);
  }
  return Buffer.concat([head, object, jsonTail]);
}

/** One event as protobuf; `object` is the object in its envelope. */
export function protobufFrame(type: string, object: Uint8Array): Buffer {
  const typeBytes = Buffer.from(type);
  const raw = lengthDelimited(1, object);
  const body = Buffer.concat([lengthDelimited(1, typeBytes), lengthDelimited(2, raw)]);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  const head: number[] = [(field << 3) | 2];
  let n = bytes.length;
  while (n > 127) {
    head.push((n & 127) | 128);
    n >>>= 7;
  }
  head.push(n);
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** Cuts a byte stream into lines; `push` gives the complete ones. For a JSON watch each is one event. */
export function createLineReader(): { push(chunk: Uint8Array): string[] } {
  let kept: Buffer[] = [];
  return {
    push(chunk) {
      const lines: string[] = [];
      let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const line = kept.length > 0 ? Buffer.concat([...kept, rest.subarray(0, end)]) : rest.subarray(0, end);
        kept = [];
        if (line.length > 0) lines.push(line.toString('utf8'));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > 0) kept.push(Buffer.from(rest));
      return lines;
    },
  };
}
