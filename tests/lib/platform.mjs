// platform.mjs PORT MOOD LEDGER: a platform behind the outbound webhook that behaves as the word in the
// file MOOD says, read anew for each request:
//   ok | error (500) | gone (410) | busy (429, Retry-After: 3) | drop (acts, then cuts the line)
//   hang (acts and never answers) | once-error (500 for the first request of an id)
// A line a request in LEDGER: "ID MOOD TEXT". Signatures are checked elsewhere (receiver.mjs).
import fs from 'node:fs'
import http from 'node:http'
const [port, mood, ledger] = process.argv.slice(2)
const seen = new Set()
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
    if (now === 'drop') return request.socket.destroy()
    if (now === 'hang') return
    const status = { ok: 200, error: 500, gone: 410, busy: 429 }[now]
    answer.writeHead(status, now === 'busy' ? { 'retry-after': '3' } : {}).end('{}')
  })
}).listen(+port, '127.0.0.1')
