import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { kafkaSettings } from './url.ts';

describe('the Kafka URL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flexder-kafka-url-'));
  const path = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('names brokers and prefix, and has defaults for the rest', () => {
    expect(kafkaSettings('kafka://one:1234,two,[::1]:9/flexder.test')).to.deep.equal({
      brokers: ['one:1234', 'two:9092', '[::1]:9'],
      prefix: 'flexder.test',
      tls: undefined,
      sasl: undefined,
      create: 'yes',
      idempotent: true,
      partitions: 6,
      replication: 1,
      retentionHours: 168,
    });
  });

  it('takes TLS and SASL, the password from a file or from the URL', () => {
    const password = path('password', 's3cret\n');
    const ca = path('ca.pem', 'PEM');
    const settings = kafkaSettings(
      `kafka://me@one/p?ca=${ca}&sasl=scram-sha-256&password-file=${password}&create=no&partitions=3`,
    );
    expect(settings).to.deep.include({
      tls: { ca: 'PEM' },
      sasl: { mechanism: 'scram-sha-256', username: 'me', password: 's3cret' },
      create: 'no',
      partitions: 3,
    });
    const { sasl, tls } = kafkaSettings('kafka://m%40e:s3%3Acret@one/p?tls=yes');
    expect(sasl).to.deep.equal({ mechanism: 'scram-sha-512', username: 'm@e', password: 's3:cret' });
    expect(tls).to.deep.equal({});
  });

  const refused: [string, RegExp][] = [
    ['kafka://', /must be kafka:\/\/HOST:PORT/],
    ['kafka://one,,two/p', /must be kafka:\/\/HOST:PORT/],
    ['kafka://one', /must end in a prefix/],
    ['kafka://one/a/b', /must end in a prefix/],
    ['kafka://one/p?partition=3', /knows no parameter partition: use tls,/],
    ['kafka://one/p?partitions=0', /needs a whole number from 1 to 1000 in partitions/],
    ['kafka://one/p?create=maybe', /needs one of yes, broker, no in create/],
    ['kafka://one/p?tls=no&ca=/x', /names ca, which needs tls=yes/],
    ['kafka://one/p?tls=yes&cert=/x', /needs cert and key together/],
    ['kafka://one/p?tls=yes&ca=/no/such/file', /names a file in ca that cannot be read/],
    ['kafka://one/p?sasl=plain', /asks for sasl without a user/],
    ['kafka://me@one/p', /needs a password: password-file=PATH/],
    ['kafka://me:s3cret@one/p?sasl=gssapi', /needs one of plain, scram-sha-256, scram-sha-512 in sasl/],
  ];
  for (const [url, message] of refused) {
    it(`is refused with its reason: ${url.replace('s3cret', '***')}`, () => {
      expect(() => kafkaSettings(url))
        .to.throw(message)
        .with.property('message')
        .that.does.not.contain('s3cret');
    });
  }
});
