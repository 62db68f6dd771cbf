// busy_ingest.mjs PORT_FILE TRIES_FILE: a bulk endpoint that is never there when it is wanted. Refuses
// each body first with 503, then with 429 and Retry-After, then cuts the connection, then takes it.
// Bodies with "deaf" in them never get an answer, with "strange" one that says nothing, with "gone" 403.
import { createServer } from 'node:http';
import { writeFileSync, appendFileSync } from 'node:fs';

const tries = new Map();

function answer(request, response, body) {
  const number = (tries.get(body) ?? 0) + 1;
  tries.set(body, number);
  appendFileSync(process.argv[3], `${Date.now()} ${number} ${request.url} ${body.split('\n').length - 1}\n`);
  if (body.includes('deaf')) return;
  if (body.includes('strange')) return void response.end('{"line":99,"status":"stored"}\n');
  if (body.includes('gone')) {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    return void response.end('{"title":"No","detail":"not from here"}');
  }
  if (number === 1) return void response.writeHead(503, { 'retry-after': '1' }).end();
  if (number === 2) return void response.writeHead(429, { 'retry-after': '2' }).end();
  if (number === 3) return void request.socket.destroy();
  const lines = body.trimEnd().split('\n');
  response.end(lines.map((_, i) => `{"line":${i + 1},"status":"stored"}\n`).join(''));
}

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => answer(request, response, body));
});
server.listen(0, '127.0.0.1', () => writeFileSync(process.argv[2], `${server.address().port}\n`));
