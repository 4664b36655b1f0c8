// Topics: what live events are about, and which topic each part of the API belongs to.

const TOPICS = [
  "approvals",
  "sessions",
  "operations",
  "resources",
  "principals",
  "log",
  "health",
] as const;

export type Topic = (typeof TOPICS)[number];

export function isTopic(word: string): word is Topic {
  return (TOPICS as readonly string[]).includes(word);
}

// By the first word after /v1/. What is not named here is refreshed with `health`.
const TOPIC_OF: Record<string, Topic> = {
  approvals: "approvals",
  requests: "approvals",
  sessions: "sessions",
  operations: "operations",
  connections: "resources",
  resources: "resources",
  policies: "resources",
  explain: "resources",
  history: "resources",
  protocols: "resources",
  whoami: "principals",
  principals: "principals",
  agents: "principals",
  tokens: "principals",
  "sign-ins": "principals",
  groups: "principals",
  audit: "log",
  log: "log",
};

export function topicOf(path: string): Topic {
  return TOPIC_OF[path.split("/")[2] ?? ""] ?? "health";
}
