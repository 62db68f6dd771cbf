// receiver.mjs PORT SECRET LEDGER: a firm's own system that takes Earshot's outbound webhook, checking
// each with the `standardwebhooks` library of those who wrote the scheme, not with our code. One line
// a request in LEDGER: {"id", "repeat", "body"} or {"refused"}. MODS names the folder of node_modules.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import http from 'node:http'
const require = createRequire((process.env.MODS || '/var/tmp/earshot-peers/webhooks') + '/x.js')
const { Webhook } = require('standardwebhooks')
const [port, secret, ledger] = process.argv.slice(2)
const seen = new Set()
http.createServer((request, answer) => {
  const chunks = []
  request.on('data', c => chunks.push(c))
  request.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    let line, status = 200
    try {
      const body = new Webhook(secret).verify(text, request.headers)
      const id = request.headers['webhook-id']
      line = { id, repeat: seen.has(id), body }
      seen.add(id)
    } catch (e) {
      status = 401
      line = { refused: String(e) }
    }
    fs.appendFileSync(ledger, JSON.stringify(line) + '\n')
    answer.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  })
}).listen(+port, '127.0.0.1')
