import { pageRoutes } from '@flexder/runtime/page/serve.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';

describe('the operator’s page as it is served', () => {
  const app = express().use(pageRoutes('bap-dso', '/'));
  const get = (path: string) => request(app).get(path);

  it('serves every file that the page asks for, under the name of its content, also compressed', async () => {
    const page = await get('/');
    expect(page.headers['cache-control']).to.equal('no-cache');
    const wanted = [...page.text.matchAll(/(?:src|href)="(\/dashboard\/[^"]+)"/g)].map((match) => match[1] as string);
    expect(wanted).to.have.length(2);
    for (const path of wanted) {
      expect(path).to.match(/-[A-Z0-9]{8}\.(js|css)$/);
      const { status, headers } = await get(path);
      expect([status, headers['content-encoding']], path).to.deep.equal([200, 'gzip']);
      expect(headers['cache-control']).to.contain('immutable');
      const plain = await get(path).set('accept-encoding', 'identity');
      expect([plain.status, plain.headers['content-encoding']], path).to.deep.equal([200, undefined]);
    }
    expect((await get('/dashboard/..%2findex.html')).status).to.equal(404);
  });

  it('the page and its script stay small enough for a slow link', async () => {
    const [, script] = /src="([^"]+)"/.exec((await get('/')).text) ?? [];
    const { headers } = await get(script ?? '');
    expect(Number(headers['content-length'])).to.be.within(10_000, 300_000);
  });
});
