import { X509Certificate } from 'node:crypto';
import { isDns1123Subdomain } from '../../../api/names.ts';
import { Problems } from '../../../api/validation/problems.ts';
import type { AuthenticationFile, ClaimOrExpression, JwtSettings } from './configuration.ts';
import { claimsProblem, namesField, userProblem } from './expressions.ts';

const onlyWithExpression = 'may not be specified when expression is set';

/** What is wrong with an AuthenticationConfiguration, in upstream's words (`apis/apiserver/validation`). */
export function authenticationProblems(
  { jwt, anonymous }: AuthenticationFile,
  disallowed: readonly string[],
): Problems {
  const p = new Problems();
  if (jwt.length > 64) {
    p.tooMany('jwt', jwt.length, 64);
    return p;
  }
  const urls = new Set<string>();
  const discoveries = new Set<string>();
  for (const [i, one] of jwt.entries()) {
    const at = `jwt[${i}]`;
    checkIssuer(p, `${at}.issuer`, one.issuer, disallowed);
    const verified = checkClaimRules(p, `${at}.claimValidationRules`, one);
    checkMappings(p, `${at}.claimMappings`, one, verified);
    checkUserRules(p, `${at}.userValidationRules`, one);
    const { url = '', discoveryURL = '' } = one.issuer;
    if (urls.has(url)) p.duplicate(`${at}.issuer.url`, url);
    urls.add(url);
    if (discoveryURL !== '' && discoveries.has(discoveryURL)) p.duplicate(`${at}.issuer.discoveryURL`, discoveryURL);
    discoveries.add(discoveryURL);
  }
  const conditions = anonymous?.conditions ?? [];
  if (anonymous && !anonymous.enabled && conditions.length > 0)
    p.invalid('anonymous.conditions', conditions, 'enabled should be set to true when conditions are defined');
  return p;
}

function checkIssuer(p: Problems, at: string, issuer: JwtSettings['issuer'], disallowed: readonly string[]): void {
  const { url = '', discoveryURL = '', audiences = [], audienceMatchPolicy = '', certificateAuthority = '' } = issuer;
  if (url === '') p.required(`${at}.url`);
  else checkUrl(p, `${at}.url`, url, disallowed);
  if (discoveryURL !== '') {
    const bare = (text: string): string => text.replace(/\/+$/, '');
    if (url !== '' && bare(url) === bare(discoveryURL))
      p.invalid(`${at}.discoveryURL`, discoveryURL, 'discoveryURL must be different from URL');
    checkUrl(p, `${at}.discoveryURL`, discoveryURL, []);
  }
  checkAudiences(p, at, audiences, audienceMatchPolicy);
  if (certificateAuthority !== '' && !holdsCertificates(certificateAuthority))
    p.invalid(`${at}.certificateAuthority`, '<omitted>', 'data does not contain any valid RSA or ECDSA certificates');
  const egress = issuer.egressSelectorType ?? '';
  if (egress !== '')
    p.invalid(
      `${at}.egressSelectorType`,
      egress,
      egress === 'controlplane' || egress === 'cluster'
        ? 'egress selectors are not supported: issuers are reached directly'
        : 'egress selector must be either controlplane or cluster',
    );
}

function holdsCertificates(pem: string): boolean {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const text of found) new X509Certificate(text);
    return found.length > 0;
  } catch {
    return false;
  }
}

function checkUrl(p: Problems, at: string, text: string, disallowed: readonly string[]): void {
  if (disallowed.includes(text))
    p.invalid(at, text, `URL must not overlap with disallowed issuers: [${[...disallowed].sort().join(' ')}]`);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) {
    p.invalid(at, text, 'URL scheme must be https');
    return;
  }
  if (!URL.canParse(text)) {
    p.invalid(at, text, `parse ${JSON.stringify(text)}: the URL cannot be read`);
    return;
  }
  const url = new URL(text);
  if (url.protocol !== 'https:') p.invalid(at, text, 'URL scheme must be https');
  if (url.username !== '' || url.password !== '') p.invalid(at, text, 'URL must not contain a username or password');
  if (url.search !== '') p.invalid(at, text, 'URL must not contain a query');
  if (url.hash !== '') p.invalid(at, text, 'URL must not contain a fragment');
}

function checkAudiences(p: Problems, at: string, audiences: readonly string[], policy: string): void {
  if (audiences.length === 0) {
    p.required(`${at}.audiences`, `at least one ${at}.audiences is required`);
    return;
  }
  for (const [i, audience] of audiences.entries()) {
    if (audience === '') p.required(`${at}.audiences[${i}]`);
    if (audiences.indexOf(audience) < i) p.duplicate(`${at}.audiences[${i}]`, audience);
  }
  const place = `${at}.audienceMatchPolicy`;
  if (audiences.length > 1 && policy !== 'MatchAny')
    p.invalid(place, policy, 'audienceMatchPolicy must be MatchAny for multiple audiences');
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny')
    p.invalid(place, policy, 'audienceMatchPolicy must be empty or MatchAny for single audience');
}

/** Whether one of the rules looks at `claims.email_verified`. */
function checkClaimRules(p: Problems, at: string, { claimValidationRules = [] }: JwtSettings): boolean {
  const seen = new Set<string>();
  let verified = false;
  for (const [i, { claim = '', expression = '', requiredValue = '', message = '' }] of claimValidationRules.entries()) {
    const place = `${at}[${i}]`;
    if (claim !== '' && expression !== '') p.invalid(place, claim, "claim and expression can't both be set");
    else if (claim === '' && expression === '') p.required(place, 'claim or expression is required');
    else if (claim !== '') {
      if (message !== '') p.invalid(`${place}.message`, message, 'may not be specified when claim is set');
      if (seen.has(`claim ${claim}`)) p.duplicate(`${place}.claim`, claim);
      seen.add(`claim ${claim}`);
    } else {
      if (requiredValue !== '') p.invalid(`${place}.requiredValue`, requiredValue, onlyWithExpression);
      if (seen.has(expression)) p.duplicate(`${place}.expression`, expression);
      else verified = checkClaims(p, `${place}.expression`, expression, ['bool']) || verified;
      seen.add(expression);
    }
  }
  return verified;
}

/** Checks an expression over `claims`; whether it looks at `claims.email_verified`. */
function checkClaims(p: Problems, at: string, expression: string, returns?: readonly string[]): boolean {
  const problem = claimsProblem(expression, returns);
  if (problem === undefined) return namesField(expression, 'claims', 'email_verified');
  p.invalid(at, expression, problem);
  return false;
}

function checkMappings(p: Problems, at: string, { claimMappings: m }: JwtSettings, verifiedByRule: boolean): void {
  let verified = checkPrefixed(p, `${at}.username`, m.username, true) || verifiedByRule;
  checkPrefixed(p, `${at}.groups`, m.groups ?? {}, false);
  const { claim = '', expression = '' } = m.uid ?? {};
  if (claim !== '' && expression !== '') p.invalid(`${at}.uid`, '', "claim and expression can't both be set");
  else if (expression !== '') checkClaims(p, `${at}.uid.expression`, expression);
  const keys = new Set<string>();
  for (const [i, { key = '', valueExpression = '' }] of (m.extra ?? []).entries()) {
    const place = `${at}.extra[${i}]`;
    checkExtraKey(p, `${place}.key`, key);
    if (keys.has(key)) p.duplicate(`${place}.key`, key);
    else if (valueExpression === '') p.required(`${place}.valueExpression`);
    else verified = checkClaims(p, `${place}.valueExpression`, valueExpression) || verified;
    keys.add(key);
  }
  const { expression: username = '', prefix } = m.username;
  if (
    username !== '' &&
    prefix === undefined &&
    claimsProblem(username) === undefined &&
    namesField(username, 'claims', 'email') &&
    !verified
  )
    p.invalid(
      `${at}.username.expression`,
      username,
      'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
    );
}

function checkExtraKey(p: Problems, at: string, key: string): void {
  const [, domain = '', path = ''] = /^([^/]*)\/(.*)$/.exec(key) ?? [];
  if (key === '') p.required(at);
  else if (domain === '') p.invalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")');
  else {
    p.all(at, domain, isDns1123Subdomain(domain));
    if (path === '') p.invalid(at, key, 'must be a domain-prefixed path (such as "acme.io/foo")');
  }
  if (key !== key.toLowerCase()) p.invalid(at, key, 'must be lowercase');
  if (/(^|\.)(kubernetes|k8s)\.io$/.test(domain))
    p.invalid(at, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use');
}

function checkPrefixed(p: Problems, at: string, given: ClaimOrExpression, needed: boolean): boolean {
  const { claim = '', expression = '', prefix } = given;
  if (expression !== '' && claim !== '') p.invalid(at, '', "claim and expression can't both be set");
  else if (expression === '' && claim === '' && needed) p.required(at, 'claim or expression is required');
  else if (expression !== '') {
    if (prefix !== undefined) p.invalid(`${at}.prefix`, prefix, onlyWithExpression);
    return checkClaims(p, `${at}.expression`, expression);
  } else if (claim !== '' && prefix === undefined)
    p.required(
      `${at}.prefix`,
      'prefix is required when claim is set. It can be set to an empty string to disable prefixing',
    );
  return false;
}

function checkUserRules(p: Problems, at: string, { userValidationRules = [] }: JwtSettings): void {
  const seen = new Set<string>();
  for (const [i, { expression = '' }] of userValidationRules.entries()) {
    const place = `${at}[${i}].expression`;
    if (expression === '') p.required(place);
    else if (seen.has(expression)) p.duplicate(place, expression);
    else {
      const problem = userProblem(expression);
      if (problem !== undefined) p.invalid(place, expression, problem);
    }
    seen.add(expression);
  }
}
