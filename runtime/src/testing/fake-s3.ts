/**
 * As much of an S3 server as the archive asks for, in memory, with hooks to make it late, busy or overtaken: what a
 * real one does only by chance. It locks nothing.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeVersion {
  readonly id: string;
  bytes: Buffer;
  readonly headers: IncomingMessage['headers'];
}

export interface FakeS3 {
  readonly url: string;
  /** By key, newest first. */
  readonly versions: Map<string, FakeVersion[]>;
  /** Puts that arrived. */
  puts: number;
  /** Whether `If-None-Match: *` is heeded. */
  heedsIfNoneMatch: boolean;
  /** Answers to puts before any is taken: a status each. */
  readonly failPuts: number[];
  /** Never answers a put. */
  hangsOnPut: boolean;
  /** Runs before and after a put takes its place. */
  beforePut(key: string): void;
  afterPut(key: string): void;
  add(key: string, text: string): void;
  close(): Promise<void>;
}

export async function fakeS3(): Promise<FakeS3> {
  const versions = new Map<string, FakeVersion[]>();
  const of = (key: string) => versions.get(key) ?? [];
  const server = createServer((request, response) => void serve(request, response));
  const fake: FakeS3 = {
    url: '',
    versions,
    puts: 0,
    heedsIfNoneMatch: true,
    failPuts: [],
    hangsOnPut: false,
    beforePut: () => {},
    afterPut: () => {},
    add: (key, text) =>
      void versions.set(key, [{ id: randomUUID(), bytes: Buffer.from(text), headers: {} }, ...of(key)]),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    const key = pathname.split('/').slice(2).join('/');
    const xml = (body: string) => response.setHeader('content-type', 'application/xml').end(body);
    if (request.method === 'PUT') return put(key, request, Buffer.concat(chunks), response);
    if (searchParams.has('versioning'))
      return void xml('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
    if (searchParams.has('object-lock'))
      return void xml(
        '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>',
      );
    if (searchParams.has('versions')) return void xml(listing(searchParams.get('prefix') ?? ''));
    if (key === '') return void response.end();
    const found = of(key).find(({ id }) => id === searchParams.get('versionId'));
    if (!found) return void response.writeHead(404).end();
    const sha256 = found.headers['x-amz-meta-sha256'];
    if (sha256 !== undefined) response.setHeader('x-amz-meta-sha256', sha256);
    response.end(found.bytes);
  }

  function put(key: string, { headers }: IncomingMessage, bytes: Buffer, response: ServerResponse): void {
    fake.puts++;
    if (fake.hangsOnPut) return;
    const failure = fake.failPuts.shift();
    if (failure !== undefined) return void response.writeHead(failure).end();
    fake.beforePut(key);
    if (fake.heedsIfNoneMatch && headers['if-none-match'] === '*' && of(key).length > 0)
      return void response.writeHead(412).end();
    const id = randomUUID();
    versions.set(key, [{ id, bytes, headers }, ...of(key)]);
    fake.afterPut(key);
    response.setHeader('x-amz-version-id', id).end();
  }

  function listing(prefix: string): string {
    const keys = [...versions.keys()].filter((key) => key.startsWith(prefix)).sort();
    const rows = keys.flatMap((key) =>
      of(key).map(({ id }) => `<Version><Key>${key}</Key><VersionId>${id}</VersionId></Version>`),
    );
    return `<ListVersionsResult><IsTruncated>false</IsTruncated>${rows.join('')}</ListVersionsResult>`;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, { url: `s3://bucket/dso?endpoint=http://127.0.0.1:${port}` });
}
