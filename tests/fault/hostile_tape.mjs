// hostile_tape: somebody on the way between two services who cannot read what they say, since it is
// CURVE, but keeps the bytes of each connection and plays them again. Meanwhile passes everything on.
//
//   node hostile_tape.mjs LISTEN_PORT UPSTREAM_PORT EVERY_MS
//
// Each EVERY_MS one of, in turn:
//   whole    what went up on a connection, at one go, on one of his own
//   turns    the same, a part whenever the upstream has answered the one before
//   within   the last part that went up once more on the connection that lives
//   cut      the connection ends in the midst of a part, and who comes next from below is answered with
//            what the upstream had said on the old one
// On SIGUSR1 it only passes on from there, and says in a line of JSON how often each was done, and what the
// upstreams said to recordings.
import net from 'node:net';

const [listen, upstream, every] = process.argv.slice(2).map(Number);
const PARTS_MAX = 2000;
const done = { whole: 0, turns: 0, within: 0, cut: 0, posed: 0 };
const heard = { heard_bytes: 0, ended: 0 };
const living = new Set();
const tapes = []; // {up: [Buffer], down: [Buffer]}, the newest last
let pose = null, turn = 0;

const keep = (list, part) => { if (list.length < PARTS_MAX) list.push(Buffer.from(part)); };
const quiet = (socket) => socket.on('error', () => {});

// Whatever is answered is counted; nobody here could understand it.
function play(parts, inTurns) {
  const socket = quiet(net.connect(upstream, '127.0.0.1'));
  let at = 0;
  const say = () => { if (at < parts.length) socket.write(parts[at++]); };
  socket.on('connect', () => { if (inTurns) say(); else socket.write(Buffer.concat(parts)); });
  socket.on('data', (part) => { heard.heard_bytes += part.length; if (inTurns) say(); });
  socket.on('close', () => { heard.ended++; });
  socket.setTimeout(10000, () => socket.destroy());
}

function pass(below) {
  quiet(below);
  if (pose) {
    const said = pose;
    pose = null;
    done.posed++;
    below.once('data', () => below.write(Buffer.concat(said)));
    below.setTimeout(10000, () => below.destroy());
    return;
  }
  const tape = { up: [], down: [] };
  const above = quiet(net.connect(upstream, '127.0.0.1'));
  const line = { below, above, tape };
  tapes.push(tape);
  if (tapes.length > 8) tapes.shift();
  living.add(line);
  below.on('data', (part) => { keep(tape.up, part); above.write(part); });
  above.on('data', (part) => { keep(tape.down, part); below.write(part); });
  const over = () => { living.delete(line); below.destroy(); above.destroy(); };
  below.on('close', over);
  above.on('close', over);
}

function attack() {
  const line = [...living].find((one) => one.tape.up.length > 4);
  const tape = tapes.findLast((one) => one.up.length > 4);
  const kind = ['whole', 'turns', 'within', 'cut'][turn % 4];
  if (!tape || ((kind === 'within' || kind === 'cut') && !line)) return;
  turn++;
  done[kind]++;
  if (kind === 'whole' || kind === 'turns') return play(tape.up, kind === 'turns');
  const last = line.tape.up.at(-1);
  if (kind === 'within') return line.above.write(last);
  pose = line.tape.down;
  line.above.end(last.subarray(0, last.length >> 1));
  line.below.destroy();
}

net.createServer(pass).listen(listen, '127.0.0.1');
const attacks = setInterval(attack, every);
process.on('SIGUSR1', () => {
  clearInterval(attacks);
  pose = null;
  console.log(JSON.stringify({ ...done, ...heard }));
});
