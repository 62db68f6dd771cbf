// smtp.mjs PORT MOOD LEDGER: a mail server that takes every mail and then does what the word in the file
// MOOD says, read anew for each mail: ok (says so) | cut (hangs up behind the final dot without a word).
// A line a mail in LEDGER: {"mood", "id": its Message-ID, "mail"}.
import fs from 'node:fs'
import net from 'node:net'
const [port, mood, ledger] = process.argv.slice(2)
net.createServer(socket => {
  let heard = '', inMail = false
  socket.on('error', () => {})
  socket.write('220 mx.test\r\n')
  socket.on('data', data => {
    heard += data.toString('latin1')
    for (;;) {
      const end = heard.indexOf(inMail ? '\r\n.\r\n' : '\r\n')
      if (end < 0) return
      const said = heard.slice(0, end)
      heard = heard.slice(end + (inMail ? 5 : 2))
      if (!inMail) {
        inMail = /^DATA/i.test(said)
        socket.write(inMail ? '354 go on\r\n' : /^QUIT/i.test(said) ? '221 bye\r\n' : '250 ok\r\n')
        continue
      }
      inMail = false
      const now = fs.readFileSync(mood, 'utf8').trim()
      fs.appendFileSync(ledger, JSON.stringify({ mood: now, id: said.match(/^Message-ID: (.*)$/im)[1].trim(), mail: said }) + '\n')
      if (now === 'cut') return socket.destroy()
      socket.write('250 queued\r\n')
    }
  })
}).listen(+port, '127.0.0.1')
