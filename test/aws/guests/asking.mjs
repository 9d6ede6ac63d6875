// asking.mjs <url>: asks ten times a second, each time by a new connection, until its standard input ends. Then prints how often,
// how each failure went, and which releases answered.
import { request } from 'node:http';

const [url] = process.argv.slice(2);
const said = { asked: 0, failures: [], releases: [] };
const under = new Set();

function ask() {
  said.asked += 1;
  const at = new Date().toISOString();
  const answered = new Promise((resolve) => {
    const failed = (why) => {
      said.failures.push(`${at} ${why}`);
      resolve();
    };
    const asking = request(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (part) => (text += part));
      response.on('error', (error) => failed(error.code));
      response.on('end', () => {
        if (response.statusCode !== 200) return failed(`status ${response.statusCode}`);
        const { release } = JSON.parse(text);
        if (!said.releases.includes(release)) said.releases.push(release);
        resolve();
      });
    });
    asking.on('timeout', () => asking.destroy(new Error('no answer in 5 s')));
    asking.on('error', (error) => failed(error.code ?? error.message));
    asking.end();
  });
  under.add(answered);
  answered.then(() => under.delete(answered));
}

const timer = setInterval(ask, 100);
process.stdin.resume().on('end', async () => {
  clearInterval(timer);
  await Promise.all(under);
  console.log(JSON.stringify(said));
});
