// node-postgres: simple, parametrised and named statements, cursors, refusals.
const assert = require('node:assert');
const fs = require('node:fs');
const { Client } = require('pg');
const Cursor = require('pg-cursor');

const { SAMPLE_SSN, SAMPLE_EMAIL, PGSSLROOTCERT } = process.env;

function masked({ ssn, email }) {
  assert.notStrictEqual(ssn, SAMPLE_SSN);
  assert.ok(ssn.endsWith(SAMPLE_SSN.slice(-4)) && ssn.includes('*'), ssn);
  assert.notStrictEqual(email, SAMPLE_EMAIL);
  assert.ok(email.startsWith(SAMPLE_EMAIL.slice(0, 2)), email);
}

async function refused(promise) {
  await assert.rejects(promise, (error) => error.code === '42501' && /no policy permits/.test(error.message));
}

async function main() {
  // The driver reads PGSSLMODE as a mere yes or no.
  delete process.env.PGSSLMODE;
  const client = new Client({ ssl: { ca: fs.readFileSync(PGSSLROOTCERT, 'utf8'), servername: 'localhost' } });
  await client.connect();
  masked((await client.query('SELECT ssn, email FROM customers WHERE id = 7')).rows[0]);
  masked((await client.query('SELECT ssn, email FROM customers WHERE id = $1', [7])).rows[0]);
  for (let run = 0; run < 3; run += 1) {
    const named = { name: 'by-id', text: 'SELECT ssn, email FROM customers WHERE id = $1', values: [7] };
    masked((await client.query(named)).rows[0]);
  }
  console.log('select ok');
  const cursor = client.query(new Cursor('SELECT ssn, email FROM customers WHERE id IN (7, 8) ORDER BY id'));
  masked((await cursor.read(1))[0]);
  await cursor.close();
  console.log('cursor ok');
  await refused(client.query('DROP TABLE customers'));
  await refused(client.query({ text: 'DROP TABLE customers', values: [] , name: 'drop' }));
  assert.strictEqual((await client.query('SELECT 1 AS one')).rows[0].one, 1);
  console.log('refusal ok');
  await client.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
