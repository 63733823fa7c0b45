import { expect } from 'chai';
import { parseS3Url } from './s3-url.ts';

describe('the URL of an S3 archive', () => {
  it('names bucket, prefix, server and region', () => {
    expect(
      parseS3Url('s3://bucket/a/b?endpoint=http://127.0.0.1:9000&region=eu-west-2&path-style=false'),
    ).to.deep.equal({
      bucket: 'bucket',
      prefix: 'a/b/',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-west-2',
      pathStyle: false,
    });
  });

  it('has what a server of its own and Amazon each need as defaults', () => {
    expect(parseS3Url('s3://bucket?endpoint=https://s3.example.org')).to.include({
      prefix: '',
      region: 'us-east-1',
      pathStyle: true,
    });
    expect(parseS3Url('s3://bucket/dso/?region=eu-west-2')).to.include({
      prefix: 'dso/',
      endpoint: undefined,
      pathStyle: false,
    });
  });

  for (const [url, message] of [
    ['file:archive', 'it must be s3://BUCKET/PREFIX'],
    ['s3:', 'it names no bucket'],
    ['s3://?region=x', 'it names no bucket'],
    ['s3://Bucket?region=x', 'it names no bucket'],
    ['s3://bucket:9000?region=x', 'it names no bucket'],
    ['s3://me:secret@bucket?region=x', 'it holds credentials'],
    ['s3://bucket', 'without an endpoint it must have ?region=REGION'],
    ['s3://bucket?region=', 'it must have ?region=REGION'],
    ['s3://bucket?region=x#y', 'after "#"'],
    ['s3://bucket?region=x&secret=secret', 'and nothing else'],
    ['s3://bucket?region=x&region=y', 'it has region twice'],
    ['s3://bucket?endpoint=127.0.0.1:9000', 'its endpoint must be'],
    ['s3://bucket?endpoint=ftp://host', 'its endpoint must be'],
    ['s3://bucket?endpoint=http://me:secret@host', 'its endpoint must be'],
    ['s3://bucket?endpoint=http://host/path', 'its endpoint must be'],
    ['s3://bucket?endpoint=http://host&path-style=yes', 'path-style must be true or false'],
    ['s3://bucket/a//b?region=x', 'is not an archive key'],
    ['s3://bucket/.hidden?region=x', 'is not an archive key'],
  ] as const) {
    it(`is refused: ${url}`, () => {
      let found = '';
      try {
        parseS3Url(url);
      } catch (error) {
        expect(error).to.be.instanceOf(TypeError);
        found = (error as Error).message;
      }
      expect(found).to.contain(message).and.not.contain('secret');
    });
  }
});
