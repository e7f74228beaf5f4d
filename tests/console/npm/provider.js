// A certified OpenID provider for the tests, in its own process: `node provider.js <issuer port> <redirect> <logout>`.
// People log in by a form of its own with any password; who they are, and how well they logged in, stands in PEOPLE.
import { Provider } from "oidc-provider";

const [port, redirect, afterLogout] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const PEOPLE = {
  anna: { name: "Anna de Boer", roles: ["sluis-coordinator", "something-else"], acr: "urn:mfa" },
  bilal: { name: "Bilal Jansen", roles: ["sluis-reviewer"], acr: "urn:mfa" },
  zonder: { name: "Zonder Rol", roles: ["something-else"], acr: "urn:mfa" },
  zwak: { name: "Zwak Wachtwoord", roles: ["sluis-coordinator"], acr: "urn:password" },
};

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "sluis",
      client_secret: "a-secret-of-the-tests",
      redirect_uris: [redirect],
      post_logout_redirect_uris: [afterLogout],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  acrValues: ["urn:mfa", "urn:password"],
  claims: { openid: ["sub", "acr"], profile: ["name", "realm_access"] },
  conformIdTokenClaims: process.env.ROLES_IN === "userinfo",
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
  cookies: { keys: ["for tests only"] },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  async findAccount(_context, id) {
    const person = PEOPLE[id];
    if (!person) return undefined;
    return {
      accountId: id,
      claims: async () => ({ sub: id, name: person.name, realm_access: { roles: person.roles } }),
    };
  },
  async loadExistingGrant(context) {
    const grant = new provider.Grant({
      clientId: context.oidc.client.clientId,
      accountId: context.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

const page = (form) => `<!DOCTYPE html><html lang="nl"><title>Inloggen</title><main>${form}</main></html>`;

provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  if (context.method === "GET") {
    context.type = "html";
    context.body = page('<form method="post"><input name="who" aria-label="who"><button>Log in</button></form>');
    return;
  }
  let body = "";
  for await (const part of context.req) body += part;
  const who = new URLSearchParams(body).get("who");
  const result = PEOPLE[who]
    ? { login: { accountId: who, acr: PEOPLE[who].acr } }
    : { error: "access_denied", error_description: "broken off" };
  await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false });
  context.respond = false;
});

provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
