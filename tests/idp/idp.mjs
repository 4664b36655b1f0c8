// A certified OpenID provider (npm oidc-provider) with people from a file that tests rewrite while it runs. Whoever is
// named on its sign-in page is signed in, without a password.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(process.argv[2]);
const library = `${process.env.IDP_MODULES}/oidc-provider/lib/index.js`;
const { default: Provider } = await import(pathToFileURL(library).href);

const people = () => JSON.parse(readFileSync(settings.users, 'utf8'));

function key(kind, kid) {
  const made =
    kind === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  return { ...made.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: kind };
}

const issuer = `http://127.0.0.1:${settings.port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      ...settings.client,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: settings.algorithm,
    },
  ],
  jwks: { keys: [key(settings.algorithm, 'first')] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  claims: {
    openid: ['sub'],
    profile: ['preferred_username', 'name', 'groups', 'realm_access'],
    email: ['email', 'email_verified'],
  },
  // The claims stand in the ID token as well, as most providers do it.
  conformIdTokenClaims: settings.userinfoOnly,
  scopes: ['openid', 'profile', 'email', 'offline_access'],
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html>${form}<button form="op.logoutForm" name="logout" value="yes">out</button>`;
      },
    },
  },
  pkce: { required: () => true },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount(ctx, sub) {
    const person = people()[sub];
    return person && { accountId: sub, claims: () => ({ sub, ...person }) };
  },
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return provider.Grant.find(known);
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile email offline_access');
    await grant.save();
    return grant;
  },
});
provider.on('server_error', (ctx, error) => console.error(error));

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response);
  try {
    if (request.method === 'POST') {
      let body = '';
      for await (const chunk of request) body += chunk;
      const accountId = new URLSearchParams(body).get('user');
      return await provider.interactionFinished(request, response, { login: { accountId } });
    }
    const buttons = Object.keys(people()).map((name) => `<button name="user" value="${name}">${name}</button>`);
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>idp</title><form method="post">${buttons.join('')}</form>`);
  } catch (error) {
    console.error(error);
    response.statusCode = 400;
    response.end(String(error));
  }
}).listen(settings.port, '127.0.0.1', () => console.log('ready'));
