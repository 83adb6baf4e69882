import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialError, refusalText } from './go-client.ts';

test('an answer that is no success is told by its Status, or by words for its code', () => {
  const said: [number, string, string][] = [
    [403, JSON.stringify({ kind: 'Status', message: 'get out' }), 'get out'],
    [403, 'not you\n', 'not you'],
    [404, '404 page not found', 'the server could not find the requested resource'],
    [418, 'x', 'the server responded with the status code 418 but did not return more information'],
    [500, 'oops', 'an error on the server ("oops") has prevented the request from succeeding'],
    [500, '', 'an error on the server ("unknown") has prevented the request from succeeding'],
    [503, 'down', 'the server is currently unable to handle the request'],
  ];
  for (const [status, body, text] of said) assert.equal(refusalText(status, body), text);
});

test("what keeps a connection from being made is told in Go's words", () => {
  const failure = (code: string, more: object = {}) => Object.assign(new Error('inner'), { code, ...more });
  const told = (error: Error) => dialError(error, 'a.b:443');
  assert.equal(told(failure('ECONNREFUSED')), 'dial tcp a.b:443: connect: connection refused');
  assert.equal(told(failure('ENOTFOUND')), 'dial tcp: lookup a.b: no such host');
  assert.equal(told(failure('EWHATEVER')), 'inner');
  const verify = 'tls: failed to verify certificate: x509:';
  assert.equal(told(failure('DEPTH_ZERO_SELF_SIGNED_CERT')), `${verify} certificate signed by unknown authority`);
  const names = (host: string, subjectaltname: string) =>
    told(failure('ERR_TLS_CERT_ALTNAME_INVALID', { host, cert: { subjectaltname } }));
  assert.equal(names('a.b', 'DNS:c, DNS:d'), `${verify} certificate is valid for c, d, not a.b`);
  assert.equal(
    names('a.b', 'IP Address:1.2.3.4'),
    `${verify} certificate is not valid for any names, but wanted to match a.b`,
  );
  assert.equal(
    names('1.2.3.5', 'DNS:c'),
    `${verify} cannot validate certificate for 1.2.3.5 because it doesn't contain any IP SANs`,
  );
});
