import type { CollectionTag, ScalarTag, Tags } from 'yaml';

type Tag = ScalarTag | CollectionTag;

const isScalarTag = (tag: Tag): tag is ScalarTag => 'test' in tag;

/** A point alone, a key of managed fields, is no number to Go. */
const pointFloat = (tag: ScalarTag): ScalarTag => ({
  ...tag,
  test: /^[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)$/,
});

/** Times, bytes and sets are texts, lists and maps where YAML is another form of JSON. */
const unknown = /:(?:timestamp|binary|omap|pairs|set)$/;

/** The types of YAML 1.1 as Go's library tells them apart: `yes` is a boolean, but `10:30` is no number. */
export const goTags = (tags: Tags): Tags =>
  tags.flatMap((tag): Tags => {
    if (typeof tag !== 'object') return [tag];
    if (unknown.test(tag.tag) || ('format' in tag && tag.format === 'TIME')) return [];
    return [isScalarTag(tag) && tag.tag === 'tag:yaml.org,2002:float' && tag.test?.test('.') ? pointFloat(tag) : tag];
  });
