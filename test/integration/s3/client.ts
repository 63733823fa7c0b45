import { S3Client } from '@aws-sdk/client-s3';
import type { S3Server } from '@flexder/runtime/testing/s3.ts';

/** Whoever has the keys of the service: the one to be kept from changing what is archived. */
export function clientOf({ endpoint, accessKeyId, secretAccessKey }: S3Server): S3Client {
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
}

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (got: Uint8Array | undefined) => (got === undefined ? undefined : Buffer.from(got).toString());
