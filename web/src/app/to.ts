// Where things are in the console. Links are made with these, so that an address changes in one place.

const part = encodeURIComponent;

export const to = {
  home: "/",
  connections: "/connections",
  connection: (name: string) => `/connections/${part(name)}`,
  newConnection: "/connections/new",
  editConnection: (name: string) => `/connections/${part(name)}/edit`,
  approvals: "/approvals",
  approval: (id: string) => `/approvals/${part(id)}`,
  /** Asks ahead for a window on a connection. */
  requestAccess: (connection?: string) =>
    connection ? `/approvals/request?connection=${part(connection)}` : "/approvals/request",
  sessions: "/sessions",
  session: (id: string) => `/sessions/${part(id)}`,
  operation: (session: string, op: number) => `/sessions/${part(session)}?op=${op}`,
  liveSessions: "/sessions?live=true",
  /** With filters as the API names them, and `range`. */
  operations: (filters: Record<string, string> = {}) => {
    const query = new URLSearchParams(filters).toString();
    return query ? `/sessions/operations?${query}` : "/sessions/operations";
  },
  policies: "/policies",
  policy: (id: string) => `/policies?policy=${part(id)}`,
  dataClasses: "/policies/data-classes",
  dataClass: (name: string) => `/policies/data-classes/${part(name)}`,
  explain: "/policies/explain",
  policyTests: "/policies/tests",
  dryRun: "/policies/dry-run",
  history: "/policies/history",
  people: "/people",
  peopleTab: (tab: string) => `/people?tab=${part(tab)}`,
  person: (principal: string) => `/people/${part(principal)}`,
  offboard: (principal: string) => `/people/${part(principal)}/offboard`,
  me: "/me",
  log: "/log",
  settings: "/settings",
  identityProviders: "/settings/identity-providers",
  identityProvider: (name: string) => `/settings/identity-providers/${part(name)}`,
  notifiers: "/settings/notifiers",
  newNotifier: (integration?: string) =>
    integration ? `/settings/notifiers/+new/${part(integration)}` : "/settings/notifiers/+new",
  notifier: (name: string) => `/settings/notifiers/${part(name)}`,
};
