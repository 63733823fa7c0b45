import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemIds } from '../../../context.ts';
import { freePort } from '../../../http/free-port.ts';
import { needsEngine, testFolder } from '../../../testing/engine.ts';
import { type KafkaServer, needsKafka, startKafka } from '../../../testing/kafka.ts';
import { testDeps } from '../../../testing/quiet.ts';
import { streamContract } from '../contract.ts';
import { kafkaEvents } from '../kafka.ts';
import { kafkaSettings } from './url.ts';

const EVENT = {
  topic: 'bap',
  key: 'a',
  value: { type: 'alarm.raised', kind: 'order-lost', text: 'lost', wallAtMs: 1 },
};

describe('event stream kafka, with TLS and a login', function () {
  this.timeout(90_000);
  let kafka: KafkaServer;
  let folder: string;

  before(async function () {
    needsKafka('apache').call(this);
    needsEngine('OpenSSL', 'openssl').call(this);
    folder = testFolder('kafka-tls');
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject];
    execFileSync('openssl', request, { stdio: 'ignore' });
    writeFileSync(join(folder, 'store.pem'), readFileSync(key, 'utf8') + readFileSync(cert, 'utf8'));
    writeFileSync(join(folder, 'password'), 's3cret\n');
    const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
    const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_me="s3cret";';
    kafka = await startKafka({
      format: ['--add-scram', 'SCRAM-SHA-512=[name=me,password=s3cret]'],
      properties: {
        listeners: `SASL_SSL://127.0.0.1:{port},PLAINTEXT://127.0.0.1:${await freePort()}`,
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512,PLAIN',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': join(folder, 'store.pem'),
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
        'listener.name.sasl_ssl.plain.sasl.jaas.config': plain,
      },
    });
  });
  after(() => kafka?.stop());

  const publish = async (user: string, parameters: string) => {
    const url = `kafka://${user}@127.0.0.1:${kafka.port}/flexder?${parameters}`;
    const stream = kafkaEvents(kafkaSettings(url), { ...testDeps(), ids: systemIds(), contract: streamContract });
    const outcome = await stream.publish([EVENT]).then(
      () => 'published',
      (error: Error) => error.message,
    );
    await stream.close();
    return outcome;
  };

  it('publishes with SCRAM and with PLAIN, the password from a file', async () => {
    const files = `ca=${join(folder, 'cert.pem')}&password-file=${join(folder, 'password')}`;
    expect(await publish('me', files)).to.equal('published');
    expect(await publish('me', `${files}&sasl=plain`)).to.equal('published');
  });

  it('says what is wrong with a password, and does not repeat it', async () => {
    const outcome = await publish('me:wr0ng', `ca=${join(folder, 'cert.pem')}`);
    expect(outcome)
      .to.match(/authentication/i)
      .and.not.contain('wr0ng');
  });

  it('trusts no broker that its authority does not know', async () => {
    expect(await publish('me:s3cret', 'tls=yes')).to.match(/self-signed certificate/);
  });
});
