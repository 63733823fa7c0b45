import { S3Client } from '@aws-sdk/client-s3';
import type { WallClock } from '../../clock.ts';
import { within } from '../../service.ts';
import { engineLimits } from '../limits.ts';
import type { S3Access } from './config.ts';
import { ArchiveDamagedError } from './port.ts';
import type { S3Place } from './s3-url.ts';

/** The server said no, or nothing in time. */
export class S3Error extends Error {
  override name = 'S3Error';
  /** As the server names it: `NoSuchKey`. */
  readonly code: string;
  readonly status: number | undefined;
  constructor(message: string, code: string, status: number | undefined) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** One place on one server: calls that end in bounded time, and whose errors tell place and reason without a secret. */
export interface S3Calls {
  readonly client: S3Client;
  readonly place: S3Place;
  /** `s3://bucket/prefix at http://host:port`. */
  readonly name: string;
  /** @param what the subject of the error's sentence: `putting KEY` */
  call<T>(what: string, run: (signal: AbortSignal) => Promise<T>): Promise<T>;
  close(): void;
}

export function s3Calls(place: S3Place, access: S3Access, wall: WallClock): S3Calls {
  const { endpoint, region, pathStyle } = place;
  const credentials = access.credentials?.();
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: pathStyle,
    maxAttempts: engineLimits.archiveAttempts,
    // Puts carry a SHA-256 of their own; older servers stumble over what the SDK would add to other calls.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: engineLimits.archiveConnectMs,
      requestTimeout: engineLimits.archiveRequestMs,
      throwOnRequestTimeout: true,
    },
  });
  const name = `s3://${place.bucket}/${place.prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
  const hide = (text: string) =>
    credentials ? text.replaceAll(credentials.secretAccessKey, '***').replaceAll(credentials.accessKeyId, '***') : text;
  return {
    client,
    place,
    name,
    async call(what, run) {
      const abort = new AbortController();
      try {
        return await within(wall, engineLimits.archiveCallMs, run(abort.signal));
      } catch (error) {
        if (error instanceof RangeError || error instanceof ArchiveDamagedError) throw error;
        // Not as a cause: the SDK's errors hold the request, with its signature.
        const { code, status, message } = said(error);
        throw new S3Error(`${what} in the archive ${name} failed: ${hide(message)}`, code, status);
      } finally {
        abort.abort();
      }
    },
    close: () => client.destroy(),
  };
}

interface SdkError {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

function said(error: unknown): { code: string; status: number | undefined; message: string } {
  const { name = 'Error', code = name, message = '', $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  const reason = [code, message].filter((text) => text !== '' && !/^Unknown(Error)?$/.test(text)).join(': ');
  return {
    code,
    status,
    message: `${status === undefined ? '' : `HTTP ${status} `}${reason}`.trim() || 'no reason given',
  };
}
