import { connect } from 'node:net';
import { expect } from 'chai';
import express, { type ErrorRequestHandler } from 'express';
import { type Listening, listen } from '../http/listen.ts';
import { BODY_OVERRUN_BYTES } from './limits.ts';
import { type RawBodyError, rawBody } from './raw-body.ts';

const LIMIT = 1_000;

describe('raw body', () => {
  let server: Listening;
  before(async () => {
    const app = express();
    app.post('/', rawBody(LIMIT), (request, response) => {
      response.json({ bytes: Buffer.isBuffer(request.body) ? request.body.length : null });
    });
    const onError: ErrorRequestHandler = (error: RawBodyError, _request, response, _next) => {
      response.status(error.status).json({ type: error.type });
    };
    app.use(onError);
    server = await listen(app, { host: '127.0.0.1', port: 0 });
  });
  after(() => server.close());

  /** Sends a head and then blanks until `bytes` are sent or an answer has come. */
  function exchange(head: string, bytes: number, chunked = false): Promise<{ answer: string; sent: number }> {
    return new Promise((resolve) => {
      const { port } = new URL(server.url);
      let answer = '';
      let sent = 0;
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${head}\r\n`);
        const more = () => {
          while (answer === '' && !socket.destroyed && sent < bytes) {
            const size = Math.min(65_536, bytes - sent);
            sent += size;
            const blanks = ' '.repeat(size);
            const goesOn = socket.write(chunked ? `${size.toString(16)}\r\n${blanks}\r\n` : blanks);
            if (!goesOn) return void socket.once('drain', more);
          }
          if (chunked && sent === bytes) socket.write('0\r\n\r\n');
        };
        more();
      });
      socket.on('data', (chunk) => {
        answer += chunk;
        if (answer.includes('}')) socket.end();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve({ answer, sent }));
    });
  }

  it('hands on what came, in either framing', async () => {
    expect((await exchange(`Content-Length: ${LIMIT}\r\n`, LIMIT)).answer).to.contain('{"bytes":1000}');
    expect((await exchange('Transfer-Encoding: chunked\r\n', LIMIT, true)).answer).to.contain('{"bytes":1000}');
    expect((await exchange('Content-Length: 0\r\n', 0)).answer).to.contain('{"bytes":0}');
    expect((await exchange('', 0)).answer).to.contain('{"bytes":null}');
  });

  it('tells who sent a little too much, and closes', async () => {
    for (const bytes of [LIMIT + 1, LIMIT + BODY_OVERRUN_BYTES]) {
      const { answer } = await exchange(`Content-Length: ${bytes}\r\n`, bytes);
      expect(answer)
        .to.match(/^HTTP\/1.1 413 /)
        .and.match(/connection: close/i);
      expect(answer).to.contain('entity.too.large');
    }
  });

  it('does not wait for a body that was announced too large', async () => {
    const { answer } = await exchange('Content-Length: 10000000000\r\n', 0);
    expect(answer).to.match(/^HTTP\/1.1 413 /);
  });

  it('does not read a body without end', async () => {
    const endless = 256 * 1_048_576;
    const { answer, sent } = await exchange('Transfer-Encoding: chunked\r\n', endless, true);
    expect(answer).to.match(/^HTTP\/1.1 413 /);
    expect(sent).to.be.below(endless / 4);
  });

  it('refuses an encoded body', async () => {
    const { answer } = await exchange('Content-Length: 5\r\nContent-Encoding: gzip\r\n', 5);
    expect(answer)
      .to.match(/^HTTP\/1.1 415 /)
      .and.contain('encoding.unsupported');
    expect((await exchange('Content-Length: 5\r\nContent-Encoding: identity\r\n', 5)).answer).to.contain('{"bytes":5}');
  });
});
