// platform.mjs PORT MOOD LEDGER: a platform behind the outbound webhook that behaves as the word in the
// file MOOD says, read anew for each request:
//   ok | error (500) | gone (410) | busy (429, Retry-After: 3) | drop (acts, then cuts the line)
//   hang (acts and never answers) | once-error (500 for the first request of an id)
//   and as somebody who means harm, having acted: endless (200, a body without end) | bomb (200, packed a
//   thousandfold) | deep (200, JSON nested 100,000 times) | headers (200, headers without end) | junk (no HTTP)
// A line a request in LEDGER: "ID MOOD TEXT". Signatures are checked elsewhere (receiver.mjs).
import fs from 'node:fs'
import http from 'node:http'
import zlib from 'node:zlib'
const [port, mood, ledger] = process.argv.slice(2)
const seen = new Set()
// Until the other side has had enough.
function pour(socket, piece) {
  socket.on('error', () => {})
  const more = () => { while (!socket.destroyed && socket.write(piece)); }
  socket.on('drain', more)
  more()
}
const harm = {
  endless: socket => { socket.write('HTTP/1.1 200 OK\r\n\r\n'); pour(socket, Buffer.alloc(1 << 16, 97)) },
  bomb: socket => {
    const body = zlib.gzipSync(Buffer.alloc(100 << 20))
    socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`), body]))
  },
  deep: socket => socket.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n' + '['.repeat(100000)),
  headers: socket => { socket.write('HTTP/1.1 200 OK\r\n'); pour(socket, 'X-Flood: more\r\n'.repeat(1000)) },
  junk: socket => socket.end(Buffer.from('\0\xff no HTTP\r\n\r\n'.repeat(1000), 'latin1'))
}
http.createServer((request, answer) => {
  const chunks = []
  request.on('data', c => chunks.push(c))
  request.on('end', () => {
    const id = request.headers['webhook-id']
    let now = ''
    while (!now) now = fs.readFileSync(mood, 'utf8').trim() // empty while the test writes it
    if (now === 'once-error') now = seen.has(id) ? 'ok' : 'error'
    seen.add(id)
    const body = JSON.parse(Buffer.concat(chunks).toString())
    fs.appendFileSync(ledger, `${id} ${now} ${JSON.stringify(body)}\n`)
    if (harm[now]) return harm[now](request.socket.on('error', () => {}))
    if (now === 'drop') return request.socket.destroy()
    if (now === 'hang') return
    const status = { ok: 200, error: 500, gone: 410, busy: 429 }[now]
    answer.writeHead(status, now === 'busy' ? { 'retry-after': '3' } : {}).end('{}')
  })
}).listen(+port, '127.0.0.1')
