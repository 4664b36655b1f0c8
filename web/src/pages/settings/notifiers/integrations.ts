// What notifiers can speak to: how a file for each begins, and what is to be done over there. docs/notifiers.md has it all.
export interface Integration {
  id: string;
  title: string;
  /** What one gets. */
  about: string;
  begun: string;
  /** What to do at the other side; `{hook}` is where it sends decisions to. */
  steps: string[];
}

const CHAT = `kind: Notifier
name: chat
slack:
  token: {file: /etc/sluice/slack-token}
  signing_secret: {file: /etc/sluice/slack-signing-secret}
  channel: C0123456789
# Who is who: member ids of Slack, and users here.
people: {U024BE7LH: bob, U0G9QF9C6: dana}
only: {environments: [prod]}
remind_after_seconds: 600
`;

const TEAM = `kind: Notifier
name: team
teams: {url: {file: /etc/sluice/teams-url}}
only: {environments: [prod]}
`;

const MAIL = `kind: Notifier
name: mail
email:
  smtp: mail.example.com:587
  username: sluice
  password: {file: /etc/sluice/smtp-password}
  from: sluice@example.com
  to_approvers: true
# Only where your identity provider lets nobody choose their own address.
map_by: email
`;

const HOOK = `kind: Notifier
name: hook
webhook:
  url: https://automation.example.com/sluice
  secret: {file: /etc/sluice/hook-secret}
# Who is who: what people are called there, and users here. Each of them can decide through the secret.
people: {u-17: bob}
`;

const OWN = `kind: Notifier
name: own-service
events: [approval, break_glass]
webhook:
  url: https://example.com/api/messages
  headers: {Authorization: {prefix: "Bearer ", value: {env: MESSAGES_TOKEN}}}
  template: {inline: {text: "{{title}}\\n{{details}}\\n{{url}}", channel: operations}}
`;

const PAGER = `kind: Notifier
name: pager
events: [break_glass, log_gap]
webhook:
  url: https://events.pagerduty.com/v2/enqueue
  template: pagerduty
  values: {routing_key: {file: /etc/sluice/pagerduty-key}}
`;

const OPSGENIE = `kind: Notifier
name: opsgenie
webhook:
  url: https://api.opsgenie.com/v2/alerts
  template: opsgenie
  headers: {Authorization: {prefix: "GenieKey ", value: {file: /etc/sluice/opsgenie-key}}}
`;

const SERVICENOW = `kind: Notifier
name: servicenow
webhook:
  url: https://example.service-now.com/api/now/table/incident
  template: servicenow
  headers: {Authorization: {prefix: "Basic ", value: {file: /etc/sluice/servicenow-basic}}}
`;

const TICKETS = `kind: Notifier
name: tickets
jira:
  url: https://example.atlassian.net
  email: sluice-bot@example.com
  token: {file: /etc/sluice/jira-token}
  project: OPS
  issue_type: Task
  summary: "{{title}}"
  webhook_secret: {file: /etc/sluice/jira-webhook-secret}
  approve_status: Approved
  deny_status: Rejected
  approve_comment: approve
  deny_comment: deny
# Who is who: account ids of Jira, and users here.
people: {"5b10a2844c20165700ede21g": bob}
`;

export const INTEGRATIONS: Integration[] = [
  {
    id: "slack",
    title: "Slack",
    about: "A message in a channel, with buttons that decide.",
    begun: CHAT,
    steps: [
      "Create an app at api.slack.com/apps. Give its bot chat:write, install it, and put the bot token into a file on the gateway's host.",
      "Switch interactivity on, with the request URL {hook}.",
      "Put the signing secret into a file, and invite the bot to the channel.",
    ],
  },
  {
    id: "teams",
    title: "Microsoft Teams",
    about: "A card in a channel that leads to the console.",
    begun: TEAM,
    steps: [
      "In the channel, choose Workflows, then Post to a channel when a webhook request is received.",
      "Put its address into a file on the gateway's host. Whoever knows it can post.",
    ],
  },
  {
    id: "email",
    title: "E-mail",
    about: "A mail to whoever can decide, with a link that leads to the request.",
    begun: MAIL,
    steps: [
      "Give the gateway an account at your mail server, and put its password into a file.",
      "Write to_approvers: true to reach whoever can decide a request, or list addresses with to.",
    ],
  },
  {
    id: "jira",
    title: "Jira",
    about: "An issue for each request. Its status or a comment decides.",
    begun: TICKETS,
    steps: [
      "Give an account of its own the right to create issues, comment and transition in the project, and make an API token for it.",
      "Under System, Webhooks add {hook} with a secret, for Issue updated and Comment created, filtered to the project.",
      "approve_status and deny_status are names of statuses. With close_transition, the id of a transition, the issue is closed in the end.",
    ],
  },
  {
    id: "servicenow",
    title: "ServiceNow",
    about: "A record for each request, with work notes.",
    begun: SERVICENOW,
    steps: ["Put user:password in base 64 into a file on the gateway's host."],
  },
  {
    id: "pagerduty",
    title: "PagerDuty",
    about: "An incident, resolved when the request is over.",
    begun: PAGER,
    steps: ["Put the routing key of an Events API v2 integration into a file."],
  },
  {
    id: "opsgenie",
    title: "Opsgenie",
    about: "An alert, closed when the request is over.",
    begun: OPSGENIE,
    steps: ["Put the key of an API integration into a file."],
  },
  {
    id: "webhook",
    title: "Webhook",
    about: "Signed JSON to a service of yours, which may send decisions back.",
    begun: HOOK,
    steps: [
      "Put a long random secret into a file on both sides: it signs what goes out and what comes back.",
      "Decisions go to {hook}.",
    ],
  },
  {
    id: "template",
    title: "Another service",
    about: "Any JSON that a service takes, by a template of yours.",
    begun: OWN,
    steps: [
      "Texts of the template may hold {{title}}, {{details}}, {{operation}}, {{principal}}, {{connection}}, {{reason}}, {{url}} and more.",
    ],
  },
];
