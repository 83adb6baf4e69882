import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  labelSelectorMatches,
  labelSelectorText,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from './selectors.ts';

const labels = { app: 'web', tier: 'front', n: '5' };

const matching: Readonly<Record<string, boolean>> = {
  '': true,
  'app=web': true,
  'app==web,tier!=back': true,
  'app in (web, db)': true,
  'app notin (web)': false,
  'none notin (x)': true,
  app: true,
  '!app': false,
  '!none': true,
  'n>4,n<6': true,
  'n>5': false,
  'app in ()': false,
  'empty=': false,
};

for (const [text, wanted] of Object.entries(matching)) {
  test(`${JSON.stringify(text)} ${wanted ? 'selects' : 'does not select'}`, () =>
    assert.equal(matchesLabels(parseLabelSelector(text), labels), wanted));
}

const refused: Readonly<Record<string, string>> = {
  'a in (': "unable to parse requirement: found '', expected: ',', ')' or identifier",
  'a,': "found '', expected: identifier after ','",
  '=a': "found '=', expected: !, identifier, or 'end of string'",
  'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
};

for (const [text, message] of Object.entries(refused)) {
  test(`${text} is refused`, () => assert.throws(() => parseLabelSelector(text), { code: 400, message }));
}

test('the text form is sorted and parses to the same', () => {
  const text = 'a in (x,y),b=c,!d,e';
  assert.equal(labelSelectorText(parseLabelSelector('e,!d,b=c,a in (y,x)')), 'a in (x,y),b=c,!d,e');
  assert.deepStrictEqual(parseLabelSelector(text), parseLabelSelector('e,!d,b=c,a in (y,x)'));
});

test('no selector selects nothing, an empty one everything', () => {
  assert.equal(labelSelectorMatches(undefined, labels), false);
  assert.equal(labelSelectorMatches({}, labels), true);
  const expression = { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] };
  assert.equal(labelSelectorMatches(expression, labels), true);
});

test('fields are compared as texts, with escapes', () => {
  const requirements = parseFieldSelector('metadata.name=a\\,b,spec.nodeName!=x');
  const fields: Readonly<Record<string, string>> = { 'metadata.name': 'a,b' };
  assert.equal(
    matchesFields(requirements, (field) => fields[field] ?? ''),
    true,
  );
  for (const nothing of ['=', '!=', '==,', ',']) assert.deepStrictEqual(parseFieldSelector(nothing), []);
  assert.throws(() => parseFieldSelector('bogus'), {
    message: "invalid selector: 'bogus'; can't understand 'bogus'",
  });
});
