// Judges what is sent to services, and what doubles of them send, by the vendors' own types, parsers and schemas.
// Called with a folder that has the packages and a file of cases; prints the problems of each case by judge.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [folder, file] = process.argv.slice(2);
const load = createRequire(path.join(folder, "judge.js"));
const cases = JSON.parse(readFileSync(file, "utf8"));
const verdicts = Object.fromEntries(cases.map(({ name }) => [name, {}]));

const whole = (body) => body;
const card = (body) => body.attachments[0].content;

// Which types a body has to have. Blocks are judged once more by themselves: a message may also hold blocks that its
// types do not know.
const TYPES = {
  "chat.postMessage": [
    ["@slack/web-api", "ChatPostMessageArguments", whole],
    ["@slack/types", "KnownBlock[]", (body) => body.blocks],
  ],
  "chat.update": [
    ["@slack/web-api", "ChatUpdateArguments", whole],
    ["@slack/types", "KnownBlock[]", (body) => body.blocks],
  ],
  "chat.postEphemeral": [["@slack/web-api", "ChatPostEphemeralArguments", whole]],
  "views.open": [
    ["@slack/web-api", "ViewsOpenArguments", whole],
    ["@slack/types", "KnownBlock[]", (body) => body.view.blocks],
  ],
  response_url: [["@slack/bolt", "RespondArguments", whole]],
  block_actions: [["@slack/bolt", "BlockAction<ButtonAction>", whole]],
  view_submission: [["@slack/bolt", "ViewSubmitAction", whole]],
  card: [["@microsoft/teams.cards", "IAdaptiveCard", card]],
  // The guide of the Events API has two fields more than the types of its client.
  event: [["@pagerduty/pdjs", "EventPayloadV2 & { client?: string; client_url?: string }", whole]],
};

const IMPORTS = `
import type { ChatPostEphemeralArguments, ChatPostMessageArguments, ChatUpdateArguments, ViewsOpenArguments } from "@slack/web-api";
import type { KnownBlock } from "@slack/types";
import type { BlockAction, ButtonAction, RespondArguments, ViewSubmitAction } from "@slack/bolt";
import type { IAdaptiveCard } from "@microsoft/teams.cards";
import type { EventPayloadV2 } from "@pagerduty/pdjs/build/src/events";
`;

function byTypes() {
  const ts = load("typescript");
  const lines = IMPORTS.split("\n");
  const about = new Map();
  for (const { name, kind, body } of cases) {
    for (const [judge, type, part] of TYPES[kind] ?? []) {
      verdicts[name][judge] = [];
      about.set(lines.length, verdicts[name][judge]);
      const literal = JSON.stringify(part(body)) ?? "undefined";
      // Two characters end a line in a program and not in JSON.
      const escaped = literal.replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
      lines.push(`export const c${lines.length}: ${type} = ${escaped};`);
    }
  }
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const program = path.join(folder, "judged.ts");
  const text = lines.join("\n");
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === program || fileExists.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    name === program
      ? ts.createSourceFile(name, text, options.target)
      : getSourceFile.call(host, name, ...rest);
  for (const found of ts.getPreEmitDiagnostics(ts.createProgram([program], options, host))) {
    const message = ts.flattenDiagnosticMessageText(found.messageText, " ");
    const line = found.file?.fileName === program && found.file.getLineAndCharacterOfPosition(found.start).line;
    const problems = about.get(line);
    // What is not about a case is about the judges themselves, such as a type that is not there any more.
    if (problems === undefined) throw new Error(message);
    problems.push(message);
  }
}

// The same order of names everywhere, so that two of a kind are one text.
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])]));
}

function byCardParser() {
  globalThis.self = globalThis;
  const cards = load("adaptivecards/dist/adaptivecards.js");
  for (const { name, kind, body } of cases) {
    if (kind !== "card") continue;
    const version = cards.Versions.v1_4;
    const context = new cards.SerializationContext(version);
    const parsed = new cards.AdaptiveCard();
    parsed.parse(card(body), context);
    const problems = Array.from({ length: context.eventCount }, (_, at) => context.getEventAt(at).message);
    problems.push(...parsed.validateProperties().validationEvents.map((event) => event.message));
    // What the parser did not understand is not there any more when the card is written again. Settings of Teams are
    // nothing that it knows.
    const { msteams: _, ...sent } = card(body);
    const again = parsed.toJSON(new cards.SerializationContext(version));
    if (JSON.stringify(sorted(sent)) !== JSON.stringify(sorted(again))) {
      problems.push(`understood was ${JSON.stringify(again)}`);
    }
    verdicts[name]["adaptivecards"] = problems;
  }
}

function byDocumentSchema() {
  const Ajv = load("ajv-draft-04").default;
  const schema = path.join(folder, "node_modules/@atlaskit/adf-schema/dist/json-schema/v1/full.json");
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(schema, "utf8")));
  const documents = { issue: (body) => body.fields.description, comment: (body) => body.body };
  for (const { name, kind, body } of cases) {
    if (documents[kind] === undefined) continue;
    const good = validate(documents[kind](body));
    verdicts[name]["@atlaskit/adf-schema"] = good ? [] : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
  }
}

byTypes();
byCardParser();
byDocumentSchema();
console.log(JSON.stringify(verdicts));
