#!/usr/bin/env node
// A whole Beckn provider platform (BPP) for demand flexibility in one file of plain Node, without any library: it makes
// its keys, registers, offers 120 kW on one feeder, sells what it is asked for and completes the order. Its "device" is
// a cold store that it switches itself. Read it top to bottom; then look at the samples in schemas/samples/v1.1.
//   node first-bpp.mjs --registry http://127.0.0.1:PORT --feeder feeder-1 [--id ID] [--port 0] [--finish-after SECONDS]
import { createDecipheriv, createHash, createPublicKey, diffieHellman, generateKeyPairSync, randomUUID, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values: args } = parseArgs({
  options: {
    registry: { type: 'string' },
    feeder: { type: 'string' },
    id: { type: 'string', default: 'first-bpp.example.com' },
    port: { type: 'string', default: '0' },
    // Complete this long after confirm, for a network whose grid time is simulated; without it, when the window ends.
    'finish-after': { type: 'string' },
  },
});
const [capacityKw, priceGbpPerKwh, msid, derId] = [120, '0.30', '9900000000017', 'cold-store-1'];

// --- Keys: Ed25519 signs, X25519 answers the registry's challenge. On the wire both are 32 raw bytes in base64. -------
const raw = (publicKey) => publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
const fromRaw = (base64, oid) => createPublicKey({ key: Buffer.concat([Buffer.from(`302a300506032b65${oid}032100`, 'hex'), Buffer.from(base64, 'base64')]), format: 'der', type: 'spki' });
const signing = generateKeyPairSync('ed25519');
const encryption = generateKeyPairSync('x25519');
const keyId = randomUUID();

// --- Signatures (BECKN-006): BLAKE2b-512 over the exact bytes sent, Ed25519 over a three-line string. -----------------
const signingString = (created, expires, body) => `(created): ${created}\n(expires): ${expires}\ndigest: BLAKE-512=${createHash('blake2b512').update(body).digest('base64')}`;
function authorization(body) {
  const created = Math.floor(Date.now() / 1000);
  const signature = sign(null, Buffer.from(signingString(created, created + 30, body)), signing.privateKey).toString('base64');
  return `Signature keyId="${args.id}|${keyId}|ed25519",algorithm="ed25519",created="${created}",expires="${created + 30}",headers="(created) (expires) digest",signature="${signature}"`;
}
async function signerOf(header, body) {
  const field = Object.fromEntries([...(header ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const [subscriber_id, key_id] = (field.keyId ?? '').split('|');
  const [record] = await post(`${args.registry}/lookup`, { subscriber_id, key_id, status: 'SUBSCRIBED' });
  const fresh = Number(field.expires) >= Date.now() / 1000;
  const genuine = record && verify(null, Buffer.from(signingString(field.created, field.expires, body)), fromRaw(record.signing_public_key, '70'), Buffer.from(field.signature, 'base64'));
  return fresh && genuine ? record : undefined;
}
async function post(url, value) {
  const body = JSON.stringify(value);
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', authorization: authorization(body) }, redirect: 'error', signal: AbortSignal.timeout(5_000) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${JSON.stringify(answer)}`);
  return answer;
}

// --- What is sold: one block of flexibility. Quantities and prices are decimal strings. --------------------------------
const tags = (code, list) => ({ descriptor: { code }, display: true, list: Object.entries(list).map(([name, value]) => ({ descriptor: { code: name }, value: String(value) })) });
const kw = (value) => ({ measure: { type: 'CONSTANT', unit: 'kW', value: String(value) } });
const item = (range) => ({
  id: 'cold-store',
  descriptor: { code: 'TURN_DOWN', name: 'Cold store compressors' },
  category_ids: ['auto-flex'], fulfillment_ids: ['f1'], location_ids: ['l1'], payment_ids: ['p1'],
  price: { currency: 'GBP', value: priceGbpPerKwh },
  quantity: { available: kw(capacityKw), minimum: kw(10), maximum: kw(capacityKw), unitized: kw(1) },
  time: { label: 'AVAILABILITY', range: { start: range.start, end: new Date(Date.parse(range.end) + 14_400_000).toISOString() } },
  tags: [
    tags('technical-parameters', { 'load-type': 'HEAT_PUMP', 'response-time': 'PT5S', 'minimum-notice': 'PT0S', 'max-duration': 'PT4H', 'max-events-per-day': 4, 'ramp-rate-kw-per-min': 120 }),
    tags('baseline', { method: 'BL01-like', 'baseline-kw': capacityKw + 30 }),
    tags('price-basis', { unit: 'kWh', 'incentive-type': 'PER_KWH_REDUCED' }),
    tags('reliability', { score: '0.95', 'events-completed': 3 }),
  ],
});
const payments = [{ id: 'p1', collected_by: 'BAP', type: 'POST-FULFILLMENT', status: 'NOT-PAID' }];
const quotes = new Map(); // by transaction id
const orders = new Map(); // by order id

// --- The meter: half hours of the event, and the same ones on the days before, for the baseline. -----------------------
function period(ms) {
  const part = Object.fromEntries(new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/London', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(ms).map(({ type, value }) => [type, value]));
  return { import_msid: msid, export_msid: null, settlement_date: `${part.year}-${part.month}-${part.day}`, settlement_period: Number(part.hour) * 2 + (part.minute >= '30' ? 2 : 1), quality: 'GOOD' };
}
function meterDocument(order) {
  const half = 1_800_000;
  const starts = [];
  for (let at = Math.floor(order.startMs / half) * half; at < order.endMs; at += half) starts.push(at);
  const usual = (capacityKw + 30) / 2;
  const rows = starts.map((at) => ({ ...period(at), metered_kwh: usual - (order.kw * (Math.min(at + half, order.endMs) - Math.max(at, order.startMs))) / 3_600_000 }));
  const before = [6, 5, 4, 3, 2, 1].map((n) => starts[0] - n * half);
  const history = [...before, ...starts].flatMap((at) => Array.from({ length: 17 }, (_, days) => ({ at, days })).filter(({ days }) => days > 0 || at < starts[0]).map(({ at, days }) => ({ ...period(at - days * 86_400_000), metered_kwh: usual })));
  return Buffer.from(JSON.stringify({ version: 1, order_id: order.id, obp_id: order.obpId, rows, history }));
}

// --- The answers: an action comes in, its `on_` callback goes out. The request's order is echoed and completed. --------
const answers = {
  search: ({ intent }) => {
    const feeder = intent.fulfillment.stops[0].location.descriptor?.code;
    if (feeder !== `feeder:${args.feeder}`) return { catalog: { descriptor: { name: 'Cold store' } } };
    return { catalog: { descriptor: { name: 'Cold store' }, providers: [{
      id: 'cold-store-ltd', descriptor: { name: 'Cold Store Ltd' },
      categories: [{ id: 'auto-flex', descriptor: { code: 'AUTO_FLEX' } }],
      locations: [{ id: 'l1', descriptor: { code: feeder } }],
      fulfillments: [{ id: 'f1', type: 'DIGITAL', stops: [{ type: 'START', time: { range: intent.item.time.range }, location: { id: 'l1' } }] }],
      payments, items: [item(intent.item.time.range)],
    }] } };
  },
  select: ({ order }, { transaction_id }) => {
    const [asked] = order.items;
    const firm = Math.min(capacityKw, Math.floor(Number(asked.quantity.selected.measure.value)));
    const hours = (Date.parse(asked.time.range.end) - Date.parse(asked.time.range.start)) / 3_600_000;
    const price = { currency: 'GBP', value: (firm * hours * Number(priceGbpPerKwh)).toFixed(2) };
    const quantity = { selected: kw(firm) };
    const breakup = [{ title: 'Cold store', item: { id: asked.id, price: { currency: 'GBP', value: priceGbpPerKwh }, quantity }, price }];
    const quote = { id: randomUUID(), price, breakup, ttl: 'PT60S' };
    quotes.set(transaction_id, quote);
    return { order: { ...order, items: [{ ...asked, quantity }], quote } };
  },
  init: ({ order }, { transaction_id }) => ({ order: { ...order, id: randomUUID(), quote: quotes.get(transaction_id), payments, cancellation_terms: [{ fulfillment_state: { descriptor: { code: 'SCHEDULED' } }, reason_required: true, cancellation_fee: { percentage: '0' } }] } }),
  confirm: ({ order }, context) => {
    const [asked] = order.items;
    const details = Object.fromEntries(order.tags.find((group) => group.descriptor.code === 'event-details').list.map((tag) => [tag.descriptor.code, tag.value]));
    const sold = { id: order.id, obpId: details['obp-id'], kw: Number(asked.quantity.selected.measure.value), startMs: Date.parse(asked.time.range.start), endMs: Date.parse(asked.time.range.end), order, context, confirmedAt: new Date().toISOString() };
    orders.set(order.id, sold);
    console.log(JSON.stringify({ event: 'switch', orderId: sold.id, kw: sold.kw })); // the cold store's relay
    const finishMs = args['finish-after'] ? Number(args['finish-after']) * 1_000 : sold.endMs - Date.now();
    setTimeout(() => tell('on_status', context, status(sold, 'IN_PROGRESS')), 50);
    setTimeout(() => tell('on_status', context, status(sold, 'COMPLETED')), Math.max(finishMs, 500));
    return status(sold, 'SCHEDULED');
  },
  status: ({ order_id }) => status(orders.get(order_id), 'IN_PROGRESS'),
};
function status(sold, state) {
  const [fulfillment] = sold.order.fulfillments;
  const hours = (sold.endMs - sold.startMs) / 3_600_000;
  const groups = [tags('commitment', { 'committed-kw': sold.kw, 'baseline-kw': capacityKw + 30 })];
  if (state !== 'SCHEDULED') groups.push(tags('dispatch', { commands: 1, 'first-at': sold.confirmedAt, 'last-at': sold.confirmedAt, accepted: 1, rejected: 0, 'opted-out': 0, expired: 0, silent: 0, 'acknowledged-kw': sold.kw, closed: true }), tags('device-answers', { accepted: `${derId} heat-pump ${sold.kw}` }));
  if (state === 'COMPLETED') {
    const bytes = meterDocument(sold);
    groups.push(tags('performance', { 'delivered-kwh': (sold.kw * hours).toFixed(3), 'performance-percentage': 100, 'baseline-method': 'BL01-like' }));
    groups.push(tags('meter-reference', { path: `/meter/${sold.id}`, sha256: createHash('sha256').update(bytes).digest('hex'), rows: JSON.parse(bytes).rows.length }));
  }
  const now = new Date().toISOString();
  return { order: { ...sold.order, status: state === 'COMPLETED' ? 'COMPLETE' : 'ACTIVE', created_at: sold.confirmedAt, updated_at: now, fulfillments: [{ ...fulfillment, state: { descriptor: { code: state }, updated_at: now }, tags: groups }] } };
}
async function tell(action, request, message) {
  const [bap] = await post(`${args.registry}/lookup`, { subscriber_id: request.bap_id, status: 'SUBSCRIBED' });
  const solicited = action === `on_${request.action}`; // anything else is news of our own and gets an id of its own
  const context = { ...request, action, bpp_id: args.id, bpp_uri: url, message_id: solicited ? request.message_id : randomUUID(), timestamp: new Date().toISOString(), ttl: 'PT30S' };
  await post(`${bap.url}/${action}`, message.error ? { context, error: message.error } : { context, message }).catch((error) => console.error(String(error)));
}

// --- The door: every message is acknowledged first and answered by a callback. ----------------------------------------
const seen = new Set();
const server = createServer(async (request, response) => {
  const send = (code, value) => response.writeHead(code, { 'content-type': 'application/json' }).end(Buffer.isBuffer(value) ? value : JSON.stringify(value));
  try {
    const body = Buffer.concat(await request.toArray());
    const action = request.url.split('/')[2];
    if (action === 'on_subscribe') return send(200, { answer: solve(JSON.parse(body).challenge) });
    // What has no body, a GET, is signed over its method and address.
    const signed = request.method === 'GET' ? Buffer.from(`GET ${new URL(request.url, url).href}`) : body;
    const signer = await signerOf(request.headers.authorization, signed);
    if (!signer) return send(401, { message: { ack: { status: 'NACK' } } });
    if (action === 'meter') return send(200, meterDocument(orders.get(request.url.split('/')[3])));
    const { context, message } = JSON.parse(body);
    send(200, { message: { ack: { status: 'ACK' } } });
    if (seen.has(context.message_id) || !answers[action] || context.bap_id !== signer.subscriber_id) return;
    seen.add(context.message_id);
    // The DSO may exclude devices from an order; this one has no other.
    const excluded = message.order?.tags?.find((group) => group.descriptor.code === 'excluded-devices')?.list.some((tag) => tag.value === derId);
    await tell(`on_${action}`, context, excluded ? { error: { code: '40002', message: `${derId} is excluded, and there is no other device` } } : answers[action](message, context));
  } catch (error) {
    console.error(error);
    if (!response.headersSent) send(500, { message: { ack: { status: 'NACK' } } });
  }
});
let registryKey;
function solve(challenge) {
  const secret = diffieHellman({ privateKey: encryption.privateKey, publicKey: fromRaw(registryKey, '6e') });
  const cipher = createDecipheriv('aes-256-ecb', secret, null);
  return cipher.update(challenge, 'base64', 'utf8') + cipher.final('utf8');
}

await new Promise((resolve) => server.listen(Number(args.port), '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/beckn`;
registryKey = (await post(`${args.registry}/lookup`, { type: 'LREG' }))[0].encr_public_key;
const now = Date.now();
await post(`${args.registry}/subscribe`, {
  subscriber_id: args.id, url, type: 'BPP', domain: 'deg:demand-flexibility', location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
  key_id: keyId, signing_public_key: raw(signing.publicKey), encr_public_key: raw(encryption.publicKey),
  valid_from: new Date(now - 60_000).toISOString(), valid_until: new Date(now + 86_400_000).toISOString(), nonce: randomUUID(),
});
for (let tries = 0; (await post(`${args.registry}/lookup`, { subscriber_id: args.id, status: 'SUBSCRIBED' })).length === 0; tries++) {
  if (tries > 50) throw new Error('the registry did not subscribe us: is our URL reachable for its challenge?');
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log(JSON.stringify({ event: 'subscribed', id: args.id, url }));
