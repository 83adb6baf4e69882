import type { CollectionTag, ScalarTag, Tags } from 'yaml';

type Tag = ScalarTag | CollectionTag;

const isScalarTag = (tag: Tag): tag is ScalarTag => 'test' in tag;

/** A point alone, a key of managed fields, is no number to Go. */
const pointFloat = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  test: /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/,
});

/** Nor is an exponent of nothing. */
const exponentFloat = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  test: /^[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$/,
});

/** Times, bytes and sets are texts, lists and maps where YAML is another form of JSON. */
const unknown = /:(?:timestamp|binary|omap|pairs|set)$/;

/** What Go's library quotes where it is a text, as if it knew these types. */
export const goQuotes = (tags: Tags): Tags =>
  tags.map((tag) => {
    if (typeof tag !== 'object' || !isScalarTag(tag) || tag.tag !== 'tag:yaml.org,2002:float') return tag;
    if (tag.format === 'EXP') return exponentFloat(tag);
    return tag.test?.test('.') ? pointFloat(tag) : tag;
  });

/** The types of YAML 1.1 as Go's library tells them apart: `yes` is a boolean, but `10:30` is no number. */
export const goTags = (tags: Tags): Tags =>
  goQuotes(tags).filter(
    (tag) => typeof tag !== 'object' || !(unknown.test(tag.tag) || ('format' in tag && tag.format === 'TIME')),
  );
