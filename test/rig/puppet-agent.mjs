// node puppet-agent.mjs SOCKET NAME: does what the test at the other end of the socket says. See puppet.ts.
import {spawn} from 'node:child_process';
import {writeSync} from 'node:fs';
import {connect} from 'node:net';

const [socketPath, name] = process.argv.slice(2);
const socket = connect(socketPath);

function writeAll(descriptor, bytes) {
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const actions = {
  print: ({text, to}) => writeAll(to === 'stderr' ? 2 : 1, Buffer.from(text, 'base64')),
  printBytes: ({count}) => {
    const block = Buffer.alloc(1024 * 1024, 'abcdefghijklmno\n');
    for (let left = count; left > 0; left -= block.length) writeAll(1, block.subarray(0, Math.min(left, block.length)));
  },
  closeOutput: () => {
    process.stdout.destroy();
    process.stderr.destroy();
  },
  ignoreTerm: () => void process.on('SIGTERM', () => {}),
  // A child in a session of its own, which keeps our output open or not.
  forkDaemon: ({output}) => {
    const child = spawn('sleep', ['1000'], {detached: true, stdio: ['ignore', output, output]});
    child.unref();
    return {pid: child.pid};
  },
  // A child of our own group that outlives us.
  forkChild: () => ({pid: spawn('sleep', ['1000'], {stdio: 'ignore'}).pid}),
  exit: ({code}) => process.exit(code),
};

const env = Object.fromEntries(Object.entries(process.env));
socket.write(`${JSON.stringify({name, pid: process.pid, env, cwd: process.cwd(), umask: process.umask()})}\n`);
// What the test has let go of is of no use to anybody.
socket.on('close', () => process.exit(99));
socket.on('error', () => process.exit(99));
let buffered = '';
socket.setEncoding('utf8').on('data', text => {
  buffered += text;
  const lines = buffered.split('\n');
  buffered = lines.pop();
  for (const line of lines) {
    const {id, action, ...input} = JSON.parse(line);
    const output = actions[action](input);
    socket.write(`${JSON.stringify({id, ...output})}\n`);
  }
});
