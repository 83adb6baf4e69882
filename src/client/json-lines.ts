/** The JSON values of a stream of bytes, one a line. A last line without its end is a broken stream and dropped. */
export async function* jsonLines(body: AsyncIterable<Buffer | string>): AsyncGenerator<unknown, void, undefined> {
  let pending: Buffer[] = [];
  for await (const piece of body) {
    let rest = typeof piece === 'string' ? Buffer.from(piece) : piece;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end);
      rest = rest.subarray(end + 1);
      const whole = pending.length === 0 ? line : Buffer.concat([...pending, line]);
      pending = [];
      if (whole.length > 0) yield JSON.parse(whole.toString());
    }
    if (rest.length > 0) pending.push(rest);
  }
}
