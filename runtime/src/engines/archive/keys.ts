import { engineLimits } from '../limits.ts';

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._=-]*$/;

/** A key is a relative path of plain names; nothing in it can leave the archive or hide in it. */
export function assertArchiveKey(key: string): void {
  const segments = key.split('/');
  if (key.length <= engineLimits.archiveKeyChars && segments.every((segment) => SEGMENT.test(segment))) return;
  throw new TypeError(
    `${JSON.stringify(key.slice(0, 80))} is not an archive key: names of letters, digits, "." "_" "=" "-", joined by "/", ` +
      `at most ${engineLimits.archiveKeyChars} characters`,
  );
}

/** A prefix is empty, or a key that may end in "/" or within a name. */
export function assertArchivePrefix(prefix: string): void {
  if (prefix !== '') assertArchiveKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
