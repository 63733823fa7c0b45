import { readFileSync, statSync } from 'node:fs';
import { engineLimits } from '../limits.ts';
import { parseS3Url } from './s3-url.ts';

/** What an `s3:` archive needs besides its URL. */
export interface S3Access {
  /** A function, so that nothing that prints a configuration prints them. Undefined: what the AWS SDK finds by itself. */
  readonly credentials: (() => { readonly accessKeyId: string; readonly secretAccessKey: string }) | undefined;
  /** Days for which an object can be neither deleted nor replaced, by anybody. Undefined: nothing is written. */
  readonly retentionDays: number | undefined;
  /** Makes the bucket, with versions and Object Lock, when it is not there. */
  readonly createBucket: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The secret of a variable, or of the file that its twin `…_FILE` names. */
function secretOf(env: Env, name: string, problems: string[]): string | undefined {
  const path = env[`${name}_FILE`];
  const value = env[name];
  if (!path) return value || undefined;
  if (value) problems.push(`${name} and ${name}_FILE are both set: keep one.`);
  try {
    if (statSync(path).size > engineLimits.archiveSecretBytes) throw new Error('it is too large for a secret');
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    problems.push(`${name}_FILE: ${path} cannot be read: ${(error as Error).message}.`);
    return undefined;
  }
}

export interface ArchiveUse {
  readonly url: string;
  /** Where the URL was read, for the sentence that says what is wrong with it. */
  readonly from: 'FLEXDER_ARCHIVE_URL' | '--archive';
  /** Reading needs no retention. */
  readonly to: 'read' | 'write';
}

/** Reads the `FLEXDER_ARCHIVE_…` variables and notes what is wrong with them, and with the URL. */
export function s3AccessFromEnv(env: Env, { url, from, to }: ArchiveUse, problems: string[]): S3Access {
  const accessKeyId = secretOf(env, 'FLEXDER_ARCHIVE_ACCESS_KEY_ID', problems);
  const secretAccessKey = secretOf(env, 'FLEXDER_ARCHIVE_SECRET_ACCESS_KEY', problems);
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    problems.push(
      'FLEXDER_ARCHIVE_ACCESS_KEY_ID and FLEXDER_ARCHIVE_SECRET_ACCESS_KEY go together: set both or neither.',
    );
  const create = env.FLEXDER_ARCHIVE_CREATE_BUCKET || 'false';
  if (create !== 'true' && create !== 'false') problems.push('FLEXDER_ARCHIVE_CREATE_BUCKET must be true or false.');
  const isS3 = url.startsWith('s3:');
  if (isS3) noteUrl(url, from, problems);
  const days = env.FLEXDER_ARCHIVE_RETENTION_DAYS ? Number(env.FLEXDER_ARCHIVE_RETENTION_DAYS) : undefined;
  const most = engineLimits.archiveRetentionDays;
  if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= most))
    problems.push(`FLEXDER_ARCHIVE_RETENTION_DAYS must be a whole number from 1 to ${most}.`);
  if (isS3 && days === undefined && to === 'write')
    problems.push(
      'FLEXDER_ARCHIVE_RETENTION_DAYS must say for how many days nobody may delete what goes to the s3: archive: ' +
        'it has no default, because it cannot be shortened afterwards.',
    );
  return {
    credentials: accessKeyId && secretAccessKey ? () => ({ accessKeyId, secretAccessKey }) : undefined,
    retentionDays: days,
    createBucket: create === 'true',
  };
}

function noteUrl(url: string, from: string, problems: string[]): void {
  try {
    parseS3Url(url);
  } catch (error) {
    problems.push(`${from}: ${(error as Error).message}.`);
  }
}
