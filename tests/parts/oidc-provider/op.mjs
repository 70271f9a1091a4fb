// OpenID provider of the end-to-end tests: npm oidc-provider 9.x, every knob an environment variable.
//   OP_PORT=9000 node op.mjs               (Node >= 22 is its supported runtime; 20.20 runs it with a warning)
// Ports: OP_PORT (the provider), OP_ADMIN_PORT (test control; loopback only).
import http from 'node:http';
import https from 'node:https';
import fs from 'node:fs';
import dns from 'node:dns';
import path from 'node:path';
import crypto, { X509Certificate } from 'node:crypto';
import querystring from 'node:querystring';
import * as jose from 'jose';
import Provider, { errors, interactionPolicy } from 'oidc-provider';
// The package has no "exports" map; this is for the DPoP handling of the token-exchange grant alone.
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js';

const E = process.env;
const bool = (n, d) => (E[n] === undefined ? d : /^(1|true|yes|on)$/i.test(E[n]));
const num = (n, d) => (E[n] === undefined ? d : Number(E[n]));
const str = (n, d) => (E[n] === undefined ? d : E[n]);
const list = (n, d) => str(n, d).split(/[ ,]+/).filter(Boolean);

const HOST = str('OP_HOST', '127.0.0.1');
const PORT = num('OP_PORT', 9000);
const ADMIN_PORT = num('OP_ADMIN_PORT', PORT + 1);
const TLS = !!E.OP_TLS_CERT;
const ISSUER = str('OP_ISSUER', `${TLS ? 'https' : 'http'}://localhost:${PORT}`);
const KEYDIR = str('OP_KEYDIR', path.join(process.cwd(), 'keys'));
const LOG = bool('OP_LOG', true);

const K = {
  requirePar: bool('OP_REQUIRE_PAR', false),
  requirePkce: bool('OP_REQUIRE_PKCE', true),
  dpop: bool('OP_DPOP', true),
  dpopNonce: str('OP_DPOP_NONCE', 'required'),       // off | optional | required
  requireDpop: bool('OP_REQUIRE_DPOP', false),       // dpop_bound_access_tokens on every default client
  requireJar: bool('OP_REQUIRE_JAR', false),
  fapi: bool('OP_FAPI', false),                      // the provider's own FAPI 2.0 checks, for every client
  jarm: bool('OP_JARM', true),
  encryption: bool('OP_ENCRYPTION', false),
  rotateRt: bool('OP_RT_ROTATE', true),
  rtGrace: num('OP_REFRESH_GRACE', 0),               // seconds in which a rotated refresh token is taken once more, as some providers do
  rtAlways: bool('OP_RT_ALWAYS', true),              // refresh token without offline_access too
  consent: str('OP_CONSENT', 'auto'),                // auto | form
  autoLogin: str('OP_AUTO_LOGIN', ''),               // '' = login page; else sub (or 'hint' = login_hint)
  idAlg: str('OP_ID_ALG', 'RS256'),                  // RS256 PS256 ES256 EdDSA
  atAlg: str('OP_AT_ALG', 'ES256'),
  ttl: {
    at: num('OP_AT_TTL', 10), id: num('OP_ID_TTL', 60), code: num('OP_CODE_TTL', 60),
    rt: num('OP_RT_TTL', 3600), session: num('OP_SESSION_TTL', 3600), interaction: num('OP_INTERACTION_TTL', 600),
  },
  idClaims: bool('OP_ID_TOKEN_CLAIMS', true),        // scope claims in the ID token, not only in userinfo
  proxy: bool('OP_PROXY', false),                    // trust X-Forwarded-*
};
const log = (...a) => LOG && console.log(new Date().toISOString(), ...a);

// Names of .test lead to loopback, as they do for the other user agents of the harness: back-channel logout goes to one.
const { lookup } = dns;
dns.lookup = (name, options, done) => lookup(name.endsWith('.test') ? 'localhost' : name, options, done);

// POST /clock {now} stops the provider's clock at that second, for tests that move it and a service's by hand; timers run on.
let stopped;
const { now } = Date;
Date.now = () => stopped ?? now();

// ---------------------------------------------------------------- keys
fs.mkdirSync(KEYDIR, { recursive: true });
async function newKey(alg) {
  const { privateKey } = await jose.generateKeyPair(alg === 'EdDSA' ? 'Ed25519' : alg, { extractable: true, modulusLength: 2048 });
  const jwk = await jose.exportJWK(privateKey);
  const kid = `${alg}-${crypto.randomBytes(4).toString('hex')}`;
  // Ed25519: leave "alg" off so that both "EdDSA" and "Ed25519" can be signed with it
  return { ...jwk, kid, use: 'sig', ...(alg === 'EdDSA' ? {} : { alg }) };
}
const ALGS = list('OP_KEY_ALGS', 'RS256 PS256 ES256 EdDSA');
const famOf = (k) => k.alg ?? 'EdDSA';
const opKeysFile = path.join(KEYDIR, 'op-private.jwks.json');
let KEYS;                                            // ordered: the first of a family signs
if (fs.existsSync(opKeysFile)) KEYS = JSON.parse(fs.readFileSync(opKeysFile)).keys;
else { KEYS = []; for (const a of ALGS) KEYS.push(await newKey(a)); fs.writeFileSync(opKeysFile, JSON.stringify({ keys: KEYS }, null, 1), { mode: 0o600 }); }
const pub = ({ d, p, q, dp, dq, qi, ...rest }) => rest;

// relying-party key (private_key_jwt, JAR); the RP under test gets the private file
const rpFile = path.join(KEYDIR, 'rp-private.jwk.json');
if (!fs.existsSync(rpFile)) {
  const k = await newKey('ES256'); k.kid = 'rp-es256-1';
  fs.writeFileSync(rpFile, JSON.stringify(k, null, 1), { mode: 0o600 });
  const key = crypto.createPrivateKey({ key: k, format: 'jwk' });
  fs.writeFileSync(path.join(KEYDIR, 'rp-private.pem'), key.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
}
const rpPub = pub(JSON.parse(fs.readFileSync(rpFile)));

// ---------------------------------------------------------------- accounts (mutable through the admin port)
const ACCOUNTS = new Map(Object.entries({
  alice: { name: 'Alice A', email: 'alice@example.test', email_verified: true, roles: ['admin', 'user'], tenant: 'acme' },
  bob: { name: 'Bob B', email: 'bob@example.test', email_verified: true, roles: ['user'], tenant: 'acme' },
  carol: { name: 'Carol C', email: 'carol@example.test', email_verified: true, roles: ['user', 'billing'], tenant: 'globex' },
  mallory: { name: 'Mallory M', email: 'mallory@example.test', email_verified: false, roles: [], tenant: 'acme' },
  'uni-ä"\\\r': { name: 'Ünïcode "Q"', email: 'uni@example.test', email_verified: true, roles: ['rôle with space', 'a,b'], tenant: 'tenant/ü' },
}));
if (E.OP_ACCOUNTS) for (const [k, v] of Object.entries(JSON.parse(fs.readFileSync(E.OP_ACCOUNTS)))) ACCOUNTS.set(k, v);
const account = (id) => {
  let a = ACCOUNTS.get(id);
  if (!a && bool('OP_ANY_ACCOUNT', true)) { a = { name: id, email: `${id}@example.test`, email_verified: true, roles: ['user'], tenant: 'acme' }; ACCOUNTS.set(id, a); }
  return a && !a.disabled ? a : undefined;
};

// ---------------------------------------------------------------- clients
const RP = list('OP_RP_ORIGINS', 'http://localhost:3000 https://app.localhost:8443');
const uris = (p) => RP.map((o) => o + p);
const CB = str('OP_CALLBACK_PATH', '/auth/callback');
const base = {
  redirect_uris: uris(CB), post_logout_redirect_uris: [...uris('/'), ...uris('/auth/login'), ...uris('/auth/logged-out')],
  grant_types: ['authorization_code', 'refresh_token', ...(bool('OP_DEVICE', true) ? ['urn:ietf:params:oauth:grant-type:device_code'] : [])],
  response_types: ['code'], id_token_signed_response_alg: K.idAlg, dpop_bound_access_tokens: K.requireDpop,
  backchannel_logout_uri: str('OP_BCL_URI', `${RP[0]}/auth/backchannel-logout`), backchannel_logout_session_required: bool('OP_BCL_SID', true),
};
// The key of a certificate, with the certificate.
const jwkOf = (file) => { const c = new X509Certificate(fs.readFileSync(file)); return { ...c.publicKey.export({ format: 'jwk' }), use: 'sig', kid: 'self-signed', x5c: [c.raw.toString('base64')] }; };
const service = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: K.idAlg };
const TE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const defaultClients = [
  { ...base, client_id: 'bff-pkjwt', token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256', jwks: { keys: [rpPub] }, grant_types: [...base.grant_types, TE] },
  { ...base, client_id: 'bff-basic', client_secret: 'basic-secret: with /odd+chars&=%', token_endpoint_auth_method: 'client_secret_basic', grant_types: [...base.grant_types, TE] },
  { ...base, client_id: 'bff-post', client_secret: 'post-secret', token_endpoint_auth_method: 'client_secret_post' },
  { ...base, client_id: 'bff-public', token_endpoint_auth_method: 'none' },
  { ...base, client_id: 'bff-par', client_secret: 'par-secret', token_endpoint_auth_method: 'client_secret_basic', require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
  { ...base, client_id: 'bff-jar', token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [rpPub] }, require_signed_request_object: true, request_object_signing_alg: 'ES256' },
  { ...base, client_id: 'bff-jarm', client_secret: 'jarm-secret', token_endpoint_auth_method: 'client_secret_basic', authorization_signed_response_alg: 'ES256' },
  ...(K.dpop ? [{ ...base, client_id: 'bff-dpop', client_secret: 'dpop-secret', token_endpoint_auth_method: 'client_secret_basic', dpop_bound_access_tokens: true }] : []),
  ...(TLS ? [
    { ...base, client_id: 'bff-mtls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=bff-mtls', tls_client_certificate_bound_access_tokens: true },
    ...(E.OP_MTLS_SELF_CERT ? [{ ...base, client_id: 'bff-mtls-self', token_endpoint_auth_method: 'self_signed_tls_client_auth', tls_client_certificate_bound_access_tokens: true, jwks: { keys: [jwkOf(E.OP_MTLS_SELF_CERT)] } }] : []),
  ] : []),
  { ...service, client_id: 'svc-cc', client_secret: 'svc-secret', token_endpoint_auth_method: 'client_secret_basic' },
  ...(K.dpop ? [{ ...service, client_id: 'svc-dpop', client_secret: 'svc-secret', token_endpoint_auth_method: 'client_secret_basic', dpop_bound_access_tokens: true }] : []),
  ...(TLS ? [{ ...service, client_id: 'svc-mtls', token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=svc-mtls', tls_client_certificate_bound_access_tokens: true }] : []),
  { client_id: 'rs-introspect', client_secret: 'rs-secret', grant_types: [], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' },
];
const CLIENTS = E.OP_CLIENTS ? JSON.parse(fs.readFileSync(E.OP_CLIENTS)) : defaultClients;

// ---------------------------------------------------------------- resources (JWT access tokens, one audience each)
const RESOURCES = E.OP_RESOURCES ? JSON.parse(E.OP_RESOURCES) : {
  'https://api.example.test': { scope: 'api:read api:write' },
  'https://orders.example.test': { scope: 'orders:read orders:write' },
  'https://opaque.example.test': { scope: 'api:read', format: 'opaque' },
};
const RESOURCE_SCOPES = [...new Set(Object.values(RESOURCES).flatMap((r) => r.scope.split(' ')))];

// ---------------------------------------------------------------- storage that survives a rebuild of the Provider (key rotation)
// OP_KEEP=true: and the process, as in production.
const KEPT = path.join(KEYDIR, 'store.json');
class Store extends Map {
  set(k, v) { super.set(k, v); this.keep(); return this; }
  delete(k) { const was = super.delete(k); this.keep(); return was; }
  keep() { if (bool('OP_KEEP', false)) { fs.writeFileSync(`${KEPT}.new`, JSON.stringify([...this])); fs.renameSync(`${KEPT}.new`, KEPT); } }
  read() { if (bool('OP_KEEP', false) && fs.existsSync(KEPT)) for (const [k, v] of JSON.parse(fs.readFileSync(KEPT))) super.set(k, v); return this; }
}
const STORE = new Store().read();
class Mem {
  constructor(name) { this.name = name; }
  k(id) { return `${this.name}:${id}`; }
  get(k) { const e = STORE.get(k); if (!e) return undefined; if (e.exp && e.exp < Date.now()) { STORE.delete(k); return undefined; } return e.v; }
  async upsert(id, v, ttl) { STORE.set(this.k(id), { v, exp: ttl ? Date.now() + ttl * 1000 : 0 }); }
  async find(id) {
    const v = this.get(this.k(id));
    // Within the grace a rotated token looks as if it had not been used.
    if (this.name === 'RefreshToken' && v?.consumed && Date.now() - v.consumedAt < K.rtGrace * 1000) { const { consumed, ...fresh } = v; return fresh; }
    return v;
  }
  async findByUid(uid) { for (const [k] of STORE) if (k.startsWith('Session:')) { const v = this.get(k); if (v?.uid === uid) return v; } return undefined; }
  async findByUserCode(c) { for (const [k] of STORE) if (k.startsWith('DeviceCode:')) { const v = this.get(k); if (v?.userCode === c) return v; } return undefined; }
  async consume(id) { const v = this.get(this.k(id)); if (v) { v.consumed = Math.floor(Date.now() / 1000); v.consumedAt ??= Date.now(); STORE.keep(); } }
  async destroy(id) { STORE.delete(this.k(id)); }
  async revokeByGrantId(g) { for (const [k, e] of STORE) if (e.v?.grantId === g && !k.startsWith('Grant:') && !k.startsWith('Session:')) STORE.delete(k); }
}

// ---------------------------------------------------------------- provider
let nonceSecret = crypto.randomBytes(32);
const cookieKeys = [crypto.randomBytes(16).toString('hex')];
const teExtra = new WeakMap();                       // token -> act / extra claims
const certOf = (ctx) => { const c = ctx.socket.getPeerCertificate?.(true); return c?.raw ? `-----BEGIN CERTIFICATE-----\n${c.raw.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----` : undefined; };

function build() {
  const policy = interactionPolicy.base();
  const provider = new Provider(ISSUER, {
    adapter: Mem,
    clients: CLIENTS,
    jwks: { keys: KEYS },
    cookies: { keys: cookieKeys, long: { signed: true, sameSite: 'lax' }, short: { signed: true, sameSite: 'lax' } },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none', ...(TLS ? ['tls_client_auth', 'self_signed_tls_client_auth'] : [])],
    responseTypes: str('OP_RESPONSE_TYPES', 'code').split(','),
    scopes: ['openid', 'offline_access', 'profile', 'email', 'roles', 'tenant', ...RESOURCE_SCOPES],
    claims: { openid: ['sub', 'sid', ...(bool('OP_ACR_ALWAYS', true) ? ['acr', 'amr', 'auth_time'] : [])], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'], roles: ['roles', 'groups'], tenant: ['tenant'] },
    acrValues: ['urn:test:pwd', 'urn:test:mfa'],
    conformIdTokenClaims: !K.idClaims,
    pkce: { required: () => K.requirePkce },
    enabledJWA: { dPoPSigningAlgValues: list('OP_DPOP_ALGS', 'ES256 EdDSA Ed25519 PS256') },
    extraParams: ['organization'],
    subjectTypes: ['public'],
    clockTolerance: num('OP_CLOCK_TOLERANCE', 5),
    enableHttpPostMethods: false,
    allowOmittingSingleRegisteredRedirectUri: false,
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: bool('OP_DEVICE', true) },
      dPoP: { enabled: K.dpop, nonceSecret: K.dpopNonce === 'off' ? undefined : nonceSecret, requireNonce: () => K.dpopNonce === 'required', allowReplay: false },
      encryption: { enabled: K.encryption },
      ...(K.fapi ? { fapi: { enabled: true, profile: '2.0' } } : {}),
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: bool('OP_JWT_INTROSPECTION', false) },
      jwtResponseModes: { enabled: K.jarm },
      jwtUserinfo: { enabled: true },
      ...(TLS ? { mTLS: { enabled: true, certificateBoundAccessTokens: true, selfSignedTlsClientAuth: true, tlsClientAuth: true,
        getCertificate: certOf, certificateAuthorized: (ctx) => ctx.socket.authorized,
        certificateSubjectMatches: (ctx, prop, exp) => { const c = certOf(ctx); return !!c && prop === 'tls_client_auth_subject_dn' && new X509Certificate(c).subject === exp; } } } : {}),
      pushedAuthorizationRequests: { enabled: bool('OP_PAR', true), requirePushedAuthorizationRequests: K.requirePar },
      registration: { enabled: bool('OP_DCR', false) },
      requestObjects: { enabled: true, requireSignedRequestObject: K.requireJar },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => (Array.isArray(oneOf) ? oneOf[0] : oneOf) ?? (E.OP_DEFAULT_RESOURCE || undefined),
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, id) => {
          const r = RESOURCES[id]; if (!r) throw new errors.InvalidTarget();
          return { scope: r.scope, audience: r.audience ?? id, accessTokenTTL: r.ttl ?? K.ttl.at, accessTokenFormat: r.format ?? 'jwt', ...(r.format === 'opaque' ? {} : { jwt: { sign: { alg: r.alg ?? K.atAlg } } }) };
        },
      },
      revocation: { enabled: true, allowedPolicy: (ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: true,
        logoutSource: async (ctx, form) => { ctx.body = `<!doctype html><title>Logout</title>${form}<button id="yes" type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button><button id="no" type="submit" form="op.logoutForm">No</button>${bool('OP_LOGOUT_CONFIRM', false) ? '' : '<script>document.getElementById("yes").click()</script>'}`; },
        postLogoutSuccessSource: async (ctx) => { ctx.body = '<!doctype html><title>Signed out</title><p id="signed-out">signed out</p>'; } },
      userinfo: { enabled: true },
    },
    findAccount: async (ctx, sub) => {
      if (!account(sub)) return undefined;
      return { accountId: sub, claims: async () => { const { disabled, ...c } = account(sub) ?? {}; return { sub, preferred_username: sub, ...c }; } };
    },
    extraTokenClaims: async (ctx, token) => {
      const a = token.accountId && account(token.accountId);
      // How and when the user signed in, for services that ask for more (RFC 9470 section 6.2).
      const login = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken;
      return { ...(login?.acr ? { acr: login.acr } : {}), ...(login?.authTime ? { auth_time: login.authTime } : {}), ...(a ? { roles: a.roles, tenant: a.tenant, email: a.email, email_verified: a.email_verified } : {}), ...(a?.token_claims ?? {}), ...(teExtra.get(token) ?? {}) };
    },
    loadExistingGrant: async (ctx) => {
      const id = ctx.oidc.result?.consent?.grantId || ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      if (id) { const g = await ctx.oidc.provider.Grant.find(id); if (g) return topUp(ctx, g); }
      if (K.consent !== 'auto') return undefined;
      return topUp(ctx, new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId }));
    },
    issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token') && (K.rtAlways || code.scopes.has('offline_access')),
    expiresWithSession: async (ctx, src) => bool('OP_TOKENS_DIE_WITH_SESSION', false) && !src.scopes.has('offline_access'),
    rotateRefreshToken: () => K.rotateRt,
    revokeGrantPolicy: (ctx) => !(ctx.oidc.route === 'revocation' && ctx.oidc.entities.AccessToken),
    ttl: { AccessToken: (c, t) => t.resourceServer?.accessTokenTTL ?? K.ttl.at, AuthorizationCode: K.ttl.code, ClientCredentials: (c, t) => t.resourceServer?.accessTokenTTL ?? K.ttl.at,
      IdToken: K.ttl.id, RefreshToken: K.ttl.rt, Session: K.ttl.session, Grant: K.ttl.session * 2, Interaction: K.ttl.interaction, DeviceCode: 300 },
    interactions: { policy, url: (ctx, i) => `/interaction/${i.uid}` },
    // oidc-provider refuses to fetch from loopback/private addresses (SSRF guard in the undici dispatcher): drop it for tests
    fetch: (url, { dispatcher, ...o }) => globalThis.fetch(url, o),
    renderError: async (ctx, out) => { ctx.type = 'html'; ctx.body = `<!doctype html><title>OP error</title><pre id="op-error">${JSON.stringify(out).replace(/</g, '&lt;')}</pre>`; },
  });
  provider.proxy = K.proxy;

  async function topUp(ctx, g) {
    if (K.consent !== 'auto') return g;
    g.addOIDCScope([...ctx.oidc.requestParamOIDCScopes ?? ctx.oidc.requestParamScopes].join(' '));
    g.addOIDCClaims(['sub', 'sid', 'name', 'email', 'email_verified', 'roles', 'groups', 'tenant', 'acr', 'amr', 'auth_time', 'preferred_username']);
    for (const [id, rs] of Object.entries(ctx.oidc.resourceServers ?? {})) g.addResourceScope(id, [...ctx.oidc.requestParamScopes].filter((s) => rs.scopes.has(s)).join(' '));
    await g.save();
    return g;
  }

  // ---- RFC 8693 token exchange (access token -> access token for another audience, fewer scopes; optional actor)
  const AT = 'urn:ietf:params:oauth:token-type:access_token';
  const JWT = 'urn:ietf:params:oauth:token-type:jwt';
  provider.registerGrantType(TE, async (ctx) => {
    const { client, params } = ctx.oidc;
    const dpop = await validateDpop(provider, ctx);
    for (const p of ['subject_token', 'subject_token_type']) if (!params[p]) throw new errors.InvalidRequest(`missing ${p}`);
    if (![AT, JWT].includes(params.subject_token_type)) throw new errors.InvalidRequest('unsupported subject_token_type');
    if (params.requested_token_type && ![AT, JWT].includes(params.requested_token_type)) throw new errors.InvalidRequest('unsupported requested_token_type');
    const verify = async (t) => {
      try { const { payload } = await jose.jwtVerify(t, jose.createLocalJWKSet({ keys: KEYS.map(pub) }), { issuer: ISSUER, typ: 'at+jwt' }); return { sub: payload.sub, scope: payload.scope ?? '', act: payload.act, client_id: payload.client_id }; } catch { /* opaque? */ }
      const o = await provider.AccessToken.find(t);
      if (!o) throw new errors.InvalidRequest('subject_token or actor_token is invalid');
      return { sub: o.accountId, scope: o.scope ?? '', client_id: o.clientId };
    };
    const subject = await verify(params.subject_token);
    const actor = params.actor_token ? await verify(params.actor_token) : undefined;
    const target = params.resource ?? params.audience;
    if (!target || Array.isArray(target)) throw new errors.InvalidTarget('exactly one resource or audience is required');
    const info = RESOURCES[target]; if (!info) throw new errors.InvalidTarget();
    const rs = new provider.ResourceServer(target, { scope: info.scope, audience: info.audience ?? target, accessTokenTTL: info.ttl ?? K.ttl.at, accessTokenFormat: 'jwt', jwt: { sign: { alg: info.alg ?? K.atAlg } } });
    const want = (params.scope ?? info.scope).split(' ').filter((s) => rs.scopes.has(s));
    const at = new provider.AccessToken({ accountId: subject.sub, client, gty: TE, grantId: undefined });
    at.resourceServer = rs; at.scope = want.join(' ');
    if (dpop) { await checkDpopReplay(provider, ctx, dpop, client.clientId); at.setThumbprint('jkt', dpop.thumbprint); }
    teExtra.set(at, { act: { sub: actor?.sub ?? client.clientId, ...(subject.act ? { act: subject.act } : {}) } });
    at.extra = { ...(teExtra.get(at)), ...(account(subject.sub) ? { roles: account(subject.sub).roles, tenant: account(subject.sub).tenant } : {}) };
    ctx.oidc.entity('AccessToken', at);
    const value = await at.save();
    ctx.body = { access_token: value, issued_token_type: AT, token_type: at.tokenType, expires_in: at.expiration, scope: at.scope };
  }, ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'resource', 'audience', 'scope'], ['resource', 'audience']);

  for (const ev of ['server_error', 'authorization.error', 'grant.error', 'pushed_authorization_request.error', 'end_session.error', 'revocation.error', 'introspection.error', 'backchannel.error', 'userinfo.error']) {
    provider.on(ev, (ctx, err) => log(`! ${ev}:`, err?.error ?? err?.message, err?.error_description ?? '', err?.error_detail ?? '', err?.cause?.message ?? '', ev === 'server_error' ? err?.stack : ''));
  }
  provider.on('pushed_authorization_request.success', (ctx) => {
    remember(ctx.oidc.body, ['client_assertion']); remember(ctx.body, ['request_uri']);
    const { client_secret, client_assertion, ...pushed } = ctx.oidc.body; PUSHED.last = pushed;
  });
  provider.on('grant.success', (ctx) => {
    const { grant_type: grant } = ctx.oidc.params;
    COUNT[`grant ${grant}`] = (COUNT[`grant ${grant}`] ?? 0) + 1;
    remember(ctx.oidc.params, ['code', 'code_verifier', 'refresh_token', 'client_assertion']);
    remember(ctx.body, ['access_token', 'refresh_token', 'id_token']);
  });
  for (const ev of ['backchannel.success', 'grant.revoked', 'access_token.issued', 'end_session.success']) provider.on(ev, () => { COUNT[ev] = (COUNT[ev] ?? 0) + 1; });
  return provider;
}

// ---------------------------------------------------------------- login page
const COUNT = {};
const PUSHED = {};                                   // last: the parameters of the last authorization request that was pushed
const SECRETS = [];                                  // [kind, value]: what no log and no store may hold
const SPENT = {};                                    // hash of a refresh token -> how often it was given to the provider to work with
const hashOf = (t) => crypto.createHash('sha256').update(t).digest('base64url').slice(0, 16);
const remember = (from, kinds) => { for (const kind of kinds) if (typeof from?.[kind] === 'string') SECRETS.push([kind, from[kind]]); };
const esc = (s) => String(s ?? '').replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const body = (req) => new Promise((ok, ko) => { let b = ''; req.on('data', (c) => { b += c; if (b.length > 1e6) req.destroy(); }); req.on('end', () => ok(b)); req.on('error', ko); });
async function interaction(p, req, res) {
  const d = await p.interactionDetails(req, res);
  const { uid, prompt, params, session } = d;
  const done = (r, o) => p.interactionFinished(req, res, r, o);
  const login = (sub, extra = {}) => done({ login: { accountId: sub, acr: String(params.acr_values ?? 'urn:test:pwd').split(' ')[0], amr: ['pwd'], remember: true, ...extra } }, { mergeWithLastSubmission: false });
  const consent = async () => {
    const g = d.grantId ? await p.Grant.find(d.grantId) : new p.Grant({ accountId: session.accountId, clientId: params.client_id });
    const m = prompt.details;
    if (m.missingOIDCScope) g.addOIDCScope(m.missingOIDCScope.join(' '));
    if (m.missingOIDCClaims) g.addOIDCClaims(m.missingOIDCClaims);
    for (const [r, s] of Object.entries(m.missingResourceScopes ?? {})) g.addResourceScope(r, s.join(' '));
    return done({ consent: { grantId: await g.save() } }, { mergeWithLastSubmission: true });
  };
  if (req.method === 'POST') {
    const f = querystring.parse(await body(req));
    if (f.abort) return done({ error: 'access_denied', error_description: 'End-User aborted interaction' }, { mergeWithLastSubmission: false });
    if (prompt.name === 'consent') return consent();
    if (!account(f.login) || (ACCOUNTS.get(f.login)?.password ?? f.password) !== f.password) { res.statusCode = 401; return res.end(page('wrong user or password')); }
    return login(f.login);
  }
  if (prompt.name === 'consent' && K.consent === 'auto') return consent();
  if (prompt.name === 'login' && K.autoLogin) { const s = K.autoLogin === 'hint' ? params.login_hint : K.autoLogin; if (s && account(s)) return login(s); }
  res.setHeader('content-type', 'text/html; charset=utf-8'); res.setHeader('cache-control', 'no-store');
  return res.end(page());
  function page(err) {
    return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${prompt.name === 'login' ? 'Sign in' : 'Consent'}</title>${err ? `<p id="err">${esc(err)}</p>` : ''}
<form method="post" action="/interaction/${uid}">${prompt.name === 'login'
    ? `<input name="login" id="login" value="${esc(params.login_hint)}" autofocus><input name="password" id="password" type="password" value="x">` : `<pre>${esc(JSON.stringify(prompt.details))}</pre>`}
<button id="submit" type="submit">Continue</button><button id="abort" name="abort" value="1" formnovalidate>Cancel</button></form></html>`;
  }
}

// ---------------------------------------------------------------- front server with faults
let provider = build();
let handler = provider.callback();
// Faults: {match, count} say which requests. What happens to them, before the provider sees the request or, with `after`, once
// it has done its work: {delay_ms} waits, {hold} waits for POST /release, then {drop} breaks the connection or {status, headers,
// body} answers in its place; {slow_ms} lets the provider's own answer trickle, a few bytes at a time; {half} breaks it off.
const faults = [];
const held = [];
const pause = (ms) => new Promise((r) => setTimeout(r, ms));
const wait = async (f) => { if (f.delay_ms) await pause(f.delay_ms); if (f.hold) await new Promise((r) => held.push(r)); };
async function trickle(res, end, chunk, ms) {
  const bytes = Buffer.from(chunk ?? '');
  res.flushHeaders();
  for (let i = 0; i < bytes.length && !res.destroyed; i += 16) { res.write(bytes.subarray(i, i + 16)); await pause(ms); }
  end();
}
function meddle(f, req, res) {
  const end = res.end.bind(res);
  res.end = (chunk) => {
    res.end = end;
    wait(f).then(() => {
      if (f.drop) return req.socket.destroy();
      if (f.half) { const bytes = Buffer.from(chunk ?? ''); return res.write(bytes.subarray(0, bytes.length / 2), () => req.socket.destroy()); }
      if (f.slow_ms) return trickle(res, end, chunk, f.slow_ms);
      return end(chunk);
    });
    return res;
  };
}
const onReq = async (req, res) => {
  const u = new URL(req.url, 'http://x');
  COUNT[`${req.method} ${u.pathname.replace(/(interaction|auth)\/[^/]+$/, '$1/:uid')}`] = (COUNT[`${req.method} ${u.pathname.replace(/(interaction|auth)\/[^/]+$/, '$1/:uid')}`] ?? 0) + 1;
  const f = faults.find((x) => x.count > 0 && u.pathname.startsWith(x.match));
  if (f) f.count -= 1;
  // Read first: what the provider does must not depend on whether the client is still there.
  if (req.method === 'POST' && u.pathname === '/token') req.body = await body(req);
  if (f && !f.after && !f.slow_ms && !f.half) {
    await wait(f);
    if (f.status) { res.writeHead(f.status, { 'content-type': 'application/json', ...(f.headers ?? {}) }); return res.end(f.body ?? '{"error":"temporarily_unavailable"}'); }
  }
  const spent = req.body && querystring.parse(req.body).refresh_token;
  if (spent) SPENT[hashOf(spent)] = (SPENT[hashOf(spent)] ?? 0) + 1;
  if (f && !f.after && f.drop) return req.socket.destroy();
  if (f && (f.after || f.slow_ms || f.half)) meddle(f, req, res);
  if (LOG) res.on('finish', () => log(req.method, u.pathname, res.statusCode));
  if (u.pathname === '/healthz') return res.end('ok');
  if (u.pathname.startsWith('/interaction/')) {
    try { return await interaction(provider, req, res); } catch (e) { log('! interaction', e.name, e.message); res.statusCode = e.statusCode ?? 400; return res.end(`${e.name}: ${e.message}`); }
  }
  return handler(req, res);
};
const server = TLS ? https.createServer({ cert: fs.readFileSync(E.OP_TLS_CERT), key: fs.readFileSync(E.OP_TLS_KEY), ...(E.OP_TLS_CLIENT_CA ? { ca: fs.readFileSync(E.OP_TLS_CLIENT_CA) } : {}), requestCert: !!E.OP_TLS_CLIENT_CA, rejectUnauthorized: false }, onReq) : http.createServer(onReq);
server.listen(PORT, HOST, () => console.log(`OP ${ISSUER} on ${HOST}:${PORT} (node ${process.version}) admin 127.0.0.1:${ADMIN_PORT}`));

// ---------------------------------------------------------------- test control
const rebuild = () => { provider = build(); handler = provider.callback(); };
async function rotate(mode) {
  const fams = [...new Set(KEYS.map(famOf))];
  const fresh = async () => { const r = []; for (const a of fams) r.push(await newKey(a)); return r; };
  const heads = () => fams.map((a) => KEYS.find((k) => famOf(k) === a));
  if (mode === 'publish') KEYS = [...KEYS, ...await fresh()];                 // next keys in JWKS, not signing yet
  else if (mode === 'promote') { const last = fams.map((a) => KEYS.filter((k) => famOf(k) === a).at(-1)); KEYS = [...last, ...KEYS.filter((k) => !last.includes(k))]; }
  else if (mode === 'retire') KEYS = heads();                                 // drop all but the signing keys
  else if (mode === 'replace') KEYS = await fresh();                          // hard: old keys gone at once
  else KEYS = [...await fresh(), ...KEYS];                                    // 'now': new signs, old stays published
  rebuild();
  return KEYS.map((k) => k.kid);
}
http.createServer(async (req, res) => {
  const send = (o, s = 200) => { res.writeHead(s, { 'content-type': 'application/json' }); res.end(JSON.stringify(o, null, 1)); };
  try {
    const u = new URL(req.url, 'http://x'); const b = req.method === 'POST' ? await body(req) : ''; const j = b ? JSON.parse(b) : {};
    switch (`${req.method} ${u.pathname}`) {
      case 'GET /state': return send({ issuer: ISSUER, knobs: K, count: COUNT, spent: SPENT, pushed: PUSHED.last, held: held.length, keys: KEYS.map((k) => k.kid), sessions: [...STORE].filter(([k]) => k.startsWith('Session:')).map(([, e]) => ({ accountId: e.v.accountId, clients: Object.fromEntries(Object.entries(e.v.authorizations ?? {}).map(([c, a]) => [c, a.sid])) })), store: [...STORE.keys()].reduce((m, k) => { const t = k.split(':')[0]; m[t] = (m[t] ?? 0) + 1; return m; }, {}) });
      case 'GET /secrets': return send(SECRETS);
      case 'POST /rotate': return send({ kids: await rotate(j.mode) });
      case 'POST /dpop-nonce': nonceSecret = crypto.randomBytes(32); rebuild(); return send({ ok: true });
      case 'POST /knobs': for (const [k, v] of Object.entries(j)) { if (k === 'ttl') Object.assign(K.ttl, v); else K[k] = v; } rebuild(); return send(K);
      case 'POST /account': ACCOUNTS.set(j.sub, { ...(ACCOUNTS.get(j.sub) ?? {}), ...j.set }); return send(ACCOUNTS.get(j.sub));
      case 'POST /client': Object.assign(CLIENTS.find((client) => client.client_id === j.client_id), j); rebuild(); return send({ ok: true }); // another secret, as an operator registers it
      case 'POST /clock': stopped = j.now * 1000; return send({ ok: true });
      case 'POST /fault': faults.push({ count: 1, ...j }); return send({ ok: true, faults });
      case 'POST /clear-faults': faults.length = 0; return send({ ok: true });
      case 'POST /release': for (const go of held.splice(0)) go(); return send({ ok: true });
      case 'POST /logout': {                           // OP-initiated: back-channel logout of every client of that sub (or sid), tokens revoked
        const out = [];
        for (const [k, e] of [...STORE]) if (k.startsWith('Session:') && e.v.accountId === j.sub) {
          for (const [cid, a] of Object.entries(e.v.authorizations ?? {})) {
            const c = await provider.Client.find(cid);
            if (c?.backchannelLogoutUri) try { await c.backchannelLogout(e.v.accountId, a.sid); out.push({ cid, sid: a.sid, ok: true }); } catch (err) { out.push({ cid, sid: a.sid, ok: false, err: err.message, cause: err.cause?.message }); }
            if (a.grantId) for (const m of ['AccessToken', 'RefreshToken', 'AuthorizationCode']) await provider[m].revokeByGrantId(a.grantId);
          }
          STORE.delete(k);
        }
        return send(out);
      }
      case 'POST /sign': {                             // forge a token with the OP keys: {alg?, kid?, header, payload}
        const k = KEYS.find((x) => (j.kid ? x.kid === j.kid : famOf(x) === (j.alg ?? K.atAlg)));
        return send({ jwt: await new jose.SignJWT(j.payload).setProtectedHeader({ alg: j.alg ?? K.atAlg, kid: k.kid, ...j.header }).sign(await jose.importJWK(k, j.alg ?? K.atAlg)) });
      }
      case 'POST /quit': send({ ok: true }); return setTimeout(() => process.exit(0), 50);
      default: return send({ error: 'no such control' }, 404);
    }
  } catch (e) { return send({ error: e.message, stack: e.stack }, 500); }
}).listen(ADMIN_PORT, '127.0.0.1');
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => process.exit(0));
