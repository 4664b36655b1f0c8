// The detectors that a data class may name, as the reference lists them.

const API_KEYS = [
  "aws_access_key",
  "aws_secret_key",
  "github_token",
  "gitlab_token",
  "slack_token",
  "stripe_key",
  "google_api_key",
  "anthropic_key",
  "openai_key",
  "npm_token",
  "sluice_token",
];

/** For a field that completes names. A group stands for all of its detectors. */
export const DETECTORS = [
  {
    group: "Personal data",
    items: ["us_ssn", "payment_card", "email", "phone", "iban", "ipv4", "ipv6"],
  },
  { group: "Secrets", items: ["api_key", "jwt", "private_key", "url_password"] },
  { group: "Keys that api_key stands for", items: API_KEYS },
];
