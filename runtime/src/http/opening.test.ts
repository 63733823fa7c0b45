import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { opening } from './opening.ts';

describe('a service that is bound and not there yet', () => {
  it('asks to be called again, and is called as usual once it is open', async () => {
    const { door, open } = opening();
    const app = express();
    app.get('/health/live', (_request, response) => void response.json({ live: true }));
    app.use(door);
    const early = await request(app).post('/beckn/confirm').send({});
    expect(early.status).to.equal(503);
    expect(early.headers['retry-after']).to.equal('1');
    expect(early.body).to.nested.include({
      'message.ack.status': 'NACK',
      'error.code': 'NET_DOWNSTREAM_UNAVAILABLE',
    });
    expect((await request(app).get('/health/live')).status).to.equal(200);
    app.post('/beckn/confirm', (_request, response) => void response.json({}));
    open();
    expect((await request(app).post('/beckn/confirm').send({})).status).to.equal(200);
    expect((await request(app).post('/beckn/no-such-action').send({})).status).to.equal(404);
  });
});
