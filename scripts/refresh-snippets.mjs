#!/usr/bin/env node
// Records anew what bash and Debian's programs print for the snippets that the shell's tests hold the lab to. Each runs as
// `bash -c SOURCE` in an empty home that nobody else sees; run as root on a Debian 12 machine.
//   node scripts/refresh-snippets.mjs FILE.json[.gz]            record every snippet of the file again
//   node scripts/refresh-snippets.mjs FILE.json[.gz] NEW.txt    and take in those of NEW.txt, which lines of %% separate
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const [file, added] = process.argv.slice(2);
if (!file) {
  console.error('usage: node scripts/refresh-snippets.mjs FILE.json[.gz] [NEW.txt]');
  process.exit(2);
}
const packed = file.endsWith('.gz');
const read = (name) => (packed ? gunzipSync(readFileSync(name)) : readFileSync(name)).toString();
const sources = JSON.parse(read(file)).map((snippet) => snippet.source);
if (added) {
  const texts = readFileSync(added, 'utf8').split(/^%%\n/m);
  sources.push(...texts.map((text) => text.replace(/\n$/, '')).filter((text) => text.trim() !== ''));
}

/** A private /root and /tmp, so that nothing of this machine is seen or touched. */
const JAIL = 'mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /tmp && cd /root && exec bash -c "$0"';

function record(source) {
  const run = spawnSync('unshare', ['-m', 'sh', '-c', JAIL, source], {
    input: '',
    encoding: 'latin1',
    timeout: 20_000,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
    },
  });
  if (run.error) throw run.error;
  const status = run.status ?? 128 + (run.signal === 'SIGKILL' ? 9 : 15);
  return { source, stdout: run.stdout, stderr: run.stderr, status };
}

const text = `${JSON.stringify([...new Set(sources)].map(record), null, packed ? 0 : 1)}\n`;
writeFileSync(file, packed ? gzipSync(text, { level: 9 }) : text);
console.log(`${new Set(sources).size} snippets recorded`);
