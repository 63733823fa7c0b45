/** Tag groups: a code and a list of code/value pairs, all values text. */
import { CodecError } from '../codec-error.ts';
import type { WireTagGroup } from './wire.ts';

/** Members that are undefined are left out. */
export function tagGroup(code: string, values: Record<string, string | undefined>): WireTagGroup {
  const list = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ descriptor: { code: key }, value }],
  );
  return { descriptor: { code }, display: true, list };
}

/** The values of one tag group by their code, and where they stand for error texts. */
export interface Tags {
  optional(code: string): string | undefined;
  required(code: string): string;
  path(code: string): string;
}

/** The group `code`, or undefined. The first of two equal codes counts, as for every reader that looks from the front. */
export function findTags(groups: readonly WireTagGroup[] | undefined, code: string, path: string): Tags | undefined {
  const at = groups?.findIndex((group) => group.descriptor?.code === code) ?? -1;
  const group = at < 0 ? undefined : groups?.[at];
  if (group === undefined) return undefined;
  const indexOf = (tag: string) => group.list.findIndex((entry) => entry.descriptor?.code === tag);
  const tagPath = (tag: string) => {
    const index = indexOf(tag);
    return index < 0 ? `${path}/${at}/list` : `${path}/${at}/list/${index}/value`;
  };
  const optional = (tag: string) => group.list[indexOf(tag)]?.value;
  const required = (tag: string) => {
    const value = optional(tag);
    if (value === undefined) throw new CodecError(tagPath(tag), `tag group ${code} lacks ${tag}`);
    return value;
  };
  return { optional, required, path: tagPath };
}

export function requireTags(groups: readonly WireTagGroup[] | undefined, code: string, path: string): Tags {
  const tags = findTags(groups, code, path);
  if (tags === undefined) throw new CodecError(path, `tag group ${code} is needed here`);
  return tags;
}
