import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxiedAddress, rewriteLinks } from './html-links.ts';

const prefix = '/api/v1/namespaces/n/pods/p:80/proxy';
const proxied = (address: string): string => proxiedAddress(address, { prefix, own: '10.0.0.1:80', asked: 'api:6443' });

describe('links of a proxied page', () => {
  const rows: [string, string, string][] = [
    ['an absolute path', '/rewriteme', `${prefix}/rewriteme`],
    ['a path with more', '/a/?b=/c#d', `${prefix}/a/?b=/c#d`],
    ['what leads through the proxy already', `${prefix}/x`, `${prefix}/x`],
    ['a relative path', 'x/y', 'x/y'],
    ['a fragment', '#top', '#top'],
    ['no path at all', 'http://10.0.0.1:80', 'http://10.0.0.1:80'],
    ['the target by its address', 'http://10.0.0.1:80/x', `${prefix}/x`],
    ['the target by the name that was asked for', 'https://api:6443/x', `https://api:6443${prefix}/x`],
    ['the target, whatever the scheme', '//10.0.0.1:80/x', `${prefix}/x`],
    ['somebody else', 'https://example.com/x', 'https://example.com/x'],
    ['a mail address', 'mailto:a@example.com', 'mailto:a@example.com'],
  ];
  for (const [name, address, expected] of rows) it(name, () => assert.equal(proxied(address), expected));

  it('are found in one look at a page that never ends its tags', () => {
    const page = `${'<a href="/x" '.repeat(200_000)}`;
    assert.equal(rewriteLinks(page, proxied), page);
  });

  it('are found in the attributes that hold addresses, and nowhere else', () => {
    const page = `<!DOCTYPE html><!-- <a href="/no"> --><html><BODY background='/b'>
<a class="/no" HREF="/a">/no</a><img src=/i alt="a > b" usemap="#m"><p href="/no">1 < 2
<script src="/s">document.write('<a href="/no">')</script><form action="/f"/><a href="/z`;
    assert.equal(
      rewriteLinks(page, (address) => `P${address}`),
      `<!DOCTYPE html><!-- <a href="/no"> --><html><BODY background='P/b'>
<a class="/no" HREF="P/a">/no</a><img src=P/i alt="a > b" usemap="P#m"><p href="/no">1 < 2
<script src="P/s">document.write('<a href="/no">')</script><form action="P/f"/><a href="/z`,
    );
  });
});
