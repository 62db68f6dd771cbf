// hostile_http.mjs PORT PID ACCOUNT SECRET_FILE TOKEN SCALE [ONLY]: everything that a hostile client can do to ingest's
// HTTP port, one attack after the other, while an honest sender posts a signed post every 100 ms and tries
// again where it was told to. A line of JSON an attack: what it got, how the honest sender fared, and the most
// memory that the process PID had meanwhile.
// Attacks that hold the account's key are marked; the others hold nothing. ONLY names some of them, with commas
// between: for the port of a service that takes no posts, whose honest client asks for its health.
import net from 'node:net'
import fs from 'node:fs'
import zlib from 'node:zlib'
import crypto from 'node:crypto'
const [port, pid, account, secretFile, token, scaleText, only] = process.argv.slice(2)
const scale = +scaleText
const key = Buffer.from(fs.readFileSync(secretFile, 'utf8').trim().replace(/^whsec_/, ''), 'base64')
const path = `/v1/accounts/${encodeURIComponent(account)}/posts`
const sleep = ms => new Promise(done => setTimeout(done, ms))
const many = n => Math.max(4, Math.round(n * scale))
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i))

const sign = (body, id, at) => 'v1,' + crypto.createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest('base64')
const head = (method, where, fields) => `${method} ${where} HTTP/1.1\r\nHost: ingest\r\n` + Object.entries(fields).map(([k, v]) => `${k}: ${v}\r\n`).join('') + '\r\n'
const signedHead = (body, { id = crypto.randomUUID(), at = Math.floor(Date.now() / 1000), ...more } = {}) =>
  head('POST', path, { 'Content-Type': 'application/json', 'Content-Length': body.length, 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': sign(body, id, at), ...more })
// The kernel's mark of the most memory, read and set anew.
function peakMb() {
  const mb = +fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1] / 1024
  fs.writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return Math.round(mb)
}
let posts = 0
const post = (id, more = {}) => Buffer.from(JSON.stringify({ platform: 'webshop', external_id: id, account, author: { id: 'c' + posts++ % 50 }, text: 'Where is my parcel? It is late.', created_at: new Date().toISOString(), ...more }))

// Connects, sends the pieces (a number waits so many ms), and tells the status of the first answer, or how it ended.
function talk(pieces, { patience = 8000, abort = false } = {}) {
  return new Promise(done => {
    const socket = net.connect(+port, '127.0.0.1')
    let answer = ''
    const end = how => { clearTimeout(timer); socket.destroy(); done(answer.match(/^HTTP\/1\.\d (\d+)/)?.[1] ?? how) }
    const timer = setTimeout(() => end('silence'), patience)
    socket.on('data', data => { answer += data.toString('latin1', 0, 2000); if (/^HTTP\/1\.\d \d+[^]*\r\n\r\n/.test(answer)) end('answer') })
    socket.on('error', e => end(e.code)).on('close', () => end('closed'))
    socket.on('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return
        if (typeof piece === 'number') await sleep(piece)
        else if (!socket.write(piece)) await new Promise(go => { socket.once('drain', go); socket.once('close', go) })
      }
      if (abort) { socket.resetAndDestroy(); end('left') }
    })
  })
}
async function inTurn(n, width, make) { // at most `width` at once
  const tally = {}
  let next = 0
  await Promise.all(times(width, async () => {
    while (next < n) { const how = await make(next++); tally[how] = (tally[how] ?? 0) + 1 }
  }))
  return tally
}
// Connections that stay for `ms`, fed by drip(socket, i) every `every` ms; how many the server cut meanwhile.
async function hold(n, fullMs, every, first, drip) {
  const ms = Math.max(1000, fullMs * scale)
  const sockets = [], tally = { opened: 0, cut: 0, refused: 0 }
  for (let i = 0; i < n; i++) {
    const socket = net.connect(+port, '127.0.0.1')
    socket.once('connect', () => { tally.opened++; socket.write(first(i)) })
    socket.on('error', () => {}).on('data', () => {})
    socket.on('close', () => { socket.over || tally.cut++ })
    sockets.push(socket)
    if (i % 50 === 49) await sleep(5)
  }
  const timer = setInterval(() => sockets.forEach((s, i) => s.writable && drip && s.write(drip(i))), every)
  await sleep(ms)
  clearInterval(timer)
  for (const socket of sockets) { socket.over = true; socket.destroy() }
  return tally
}

const junk = n => crypto.randomBytes(n)
const signed = (body, more) => talk([signedHead(body, more), body])
const attacks = {
  announced_100_mb: () => inTurn(many(50), 10, () => talk([head('POST', path, { 'Content-Type': 'application/json', 'Content-Length': 100 << 20 }), junk(1 << 16)])),
  sent_100_mb: () => inTurn(many(4), 2, () => talk([head('POST', path, { 'Content-Length': 100 << 20 }), ...times(1600, () => Buffer.alloc(1 << 16, 32))], { patience: 20000 })),
  chunked_100_mb: () => inTurn(many(8), 4, () => talk([head('POST', path, { 'Transfer-Encoding': 'chunked' }), ...times(1600, () => Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(1 << 16, 32), Buffer.from('\r\n')]))], { patience: 20000 })),
  bodies_at_once: () => inTurn(many(120), many(60), () => talk([head('POST', path, { 'Content-Length': 4 << 20 }), ...times(64, () => Buffer.alloc(1 << 16, 32))], { patience: 30000 })),
  slow_loris: () => hold(Math.max(400, many(1000)), 6000, 500, () => 'POST /v1/replay HTTP/1.1\r\nHost: ingest\r\n', i => `X-${i}: y\r\n`),
  slow_bodies: () => hold(many(600), 6000, 500, () => head('POST', path, { 'Content-Length': 4 << 20 }), () => 'x'),
  silent_connections: () => hold(Math.max(600, many(3000)), 4000, 1000, () => ''),
  never_reads: () => hold(many(200), 3000, 1000, () => head('GET', '/metrics', {}).repeat(50)),
  header_flood: () => inTurn(many(400), 20, () => talk([head('POST', path, Object.fromEntries(times(5000, i => ['X-' + i, 'flood']))) ])),
  long_request_line: () => inTurn(many(100), 10, () => talk([`GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n`])),
  not_http: () => inTurn(many(300), 50, i => talk([[junk(3000), '\0'.repeat(100), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', 'GET /healthz HTTP/1.1\r\nHost x\r\n\r\n'][i % 6] ], { patience: 1500 })),
  smuggling: () => inTurn(many(200), 20, i => talk([[
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n', 'Content-Length: -1\r\n\r\n', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
    'Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nx', 'Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n', 'Content-Length: 99999999999999999999\r\n\r\n'][i % 6]].map(t => `POST ${path} HTTP/1.1\r\nHost: x\r\n` + t), { patience: 1500 })),
  leaves_in_the_middle: () => inTurn(many(1000), 50, () => talk([head('POST', path, { 'Content-Length': 100000 }), junk(5000), 5], { abort: true })),
  pipelined: () => inTurn(many(20), 5, () => talk([head('GET', '/healthz', {}).repeat(2000)])),
  unknown_accounts: () => inTurn(many(1000), 20, i => { const body = post('u' + i); return talk([signedHead(body).replace(path, `/v1/accounts/nobody${i}/posts`), body]) }),
  forged_signatures: () => inTurn(many(2000), 20, i => signed(post('forged' + i), { 'webhook-signature': ['v1,' + junk(32).toString('base64'), 'v1,', 'v2,x', 'v1,'.repeat(500), '\xff\xfe'][i % 5] })),
  old_and_future: () => inTurn(many(200), 10, i => signed(post('old' + i), { at: Math.floor(Date.now() / 1000) + (i % 2 ? -3600 : 3600) })),
  odd_timestamps: () => inTurn(many(200), 10, i => signed(post('odd' + i), { at: ['', '-1', '1e9', '99999999999999999999', 'now', '0x10'][i % 6] })),
  wrong_tokens: () => inTurn(many(500), 10, i => talk([head('POST', '/v1/replay', { Authorization: 'Bearer ' + (i % 2 ? token.slice(0, i % token.length) : junk(30).toString('hex')), 'Content-Length': 2 }), '{}'])),
  // From here on with the account's key: a sender that was taken over.
  replayed: async () => {
    const first = post('replayed'), other = post('replayed-other'), id = crypto.randomUUID()
    return { first: await signed(first, { id }), ...await inTurn(many(200), 10, i => signed(i % 2 ? first : other, { id })) }
  },
  gzip_bomb: () => {
    const bomb = zlib.gzipSync(Buffer.alloc(1 << 28, 32))
    return inTurn(many(20), 5, () => signed(bomb, { 'Content-Encoding': 'gzip' }))
  },
  deep_json: () => inTurn(many(40), 5, i => signed(Buffer.from(i % 2 ? '['.repeat(1 << 20) : '{"a":'.repeat(1 << 18)))),
  wide_json: () => inTurn(many(200), 20, i => {
    const room = (250 << 10) - 400
    const filler = [() => '[' + '{},'.repeat(20000) + '{}]', () => '[' + '{},'.repeat(room / 3 - 1) + '{}]', () => '[' + '1,'.repeat(room / 2 - 1) + '1]', () => '{' + times(15000, n => `"k${n}":[]`).join() + '}'][i % 4]()
    return signed(Buffer.concat([post('wide' + i % 20).subarray(0, -1), Buffer.from(`,"more":${filler}}`)]))
  }),
  wide_lines: () => inTurn(many(40), 10, i => {
    const line = n => Buffer.concat([post(`line${n}`).subarray(0, -1), Buffer.from(`,"more":[${'{},'.repeat(60000)}{}]}\n`)])
    return signed(Buffer.concat(times(20, line)), { 'Content-Type': 'application/x-ndjson' })
  }),
  odd_json: () => inTurn(many(200), 10, i => signed([Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), post('x', { text: '\0' }), Buffer.from('{"platform":"a","platform":"b"}'), post('n', { author: { id: 1e308 } }),
    Buffer.from('"\ud800"'), post('y'.repeat(100000)), post('z', { created_at: '9999-99-99' }), Buffer.alloc(0), Buffer.from('\n'.repeat(10)), post('v', { text: 'a'.repeat(3 << 20) })][i % 10])),
  bad_lines: () => inTurn(many(60), 6, () => signed(Buffer.from('{"a":\n'.repeat(1000)), { 'Content-Type': 'application/x-ndjson' }))
}

const honest = { sent: 0, taken: 0, again: 0, slowest: 0, ids: [], over: false }
async function send(id) {
  const began = Date.now()
  for (let tries = 0; tries < 8; tries++) {
    const how = await (only ? talk([head('GET', '/healthz', {})]) : signed(post(id), { id: 'honest-' + id }))
    if (how === '200') {
      honest.taken++
      honest.slowest = Math.max(honest.slowest, Date.now() - began)
      return
    }
    honest.again++
    await sleep(200)
  }
  honest.lost = (honest.lost ?? []).concat(id)
}
async function beHonest() {
  const under_way = new Set()
  while (!honest.over) {
    const one = send('honest-' + honest.sent++)
    under_way.add(one)
    one.then(() => under_way.delete(one))
    await sleep(100)
  }
  await Promise.all(under_way)
}

peakMb()
const whole = beHonest()
for (const [name, attack] of Object.entries(attacks)) {
  if (only && !only.split(',').includes(name)) continue
  const before = { ...honest }, began = Date.now()
  honest.slowest = 0
  const got = await attack()
  await sleep(300)
  console.log(JSON.stringify({ attack: name, seconds: (Date.now() - began) / 1000, got, peak_mb: peakMb(), honest: { taken: honest.taken - before.taken, again: honest.again - before.again, slowest_ms: honest.slowest } }))
}
honest.over = true
await whole
console.log(JSON.stringify({ attack: 'none', honest: { sent: honest.sent, taken: honest.taken, again: honest.again, lost: honest.lost ?? [] } }))
