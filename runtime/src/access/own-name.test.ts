import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { isUnderOwnName, onlyUnderOwnName } from './own-name.ts';

describe('the name a service is asked under', () => {
  const app = express();
  app.get('/own', onlyUnderOwnName, (_request, response) => void response.json({}));
  app.get('/public', (request_, response) => {
    response.json(isUnderOwnName(request_, 'https://grid.example.org:8443/x'));
  });

  for (const host of ['localhost:4000', '127.0.0.1', '[::1]:4000', '192.168.1.7:80'])
    it(`may be ${host}`, async () => {
      expect((await request(app).get('/own').set('host', host)).status).to.equal(200);
    });
  for (const host of ['rebound.example.com:4000', 'localhost.example.com', '127.0.0.1.example.com', 'a b', ''])
    it(`may not be ${JSON.stringify(host)}`, async () => {
      const { status, body } = await request(app).get('/own').set('host', host);
      expect([status, body.error.code]).to.deep.equal([421, 'MISDIRECTED']);
    });

  it('may be that of the public URL, whatever its port, and no name below or above it', async () => {
    const asked = async (host: string) => (await request(app).get('/public').set('host', host)).body;
    expect(await asked('grid.example.org')).to.equal(true);
    for (const host of ['example.org', 'a.grid.example.org']) expect(await asked(host), host).to.equal(false);
  });
});
