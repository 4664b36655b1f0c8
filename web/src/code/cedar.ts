// Cedar for CodeMirror: enough of a tokenizer to colour policies.
import { StreamLanguage, type StringStream } from "@codemirror/language";

const EFFECTS = new Set(["permit", "forbid"]);
const CLAUSES = new Set(["when", "unless", "if", "then", "else"]);
const OPERATORS = new Set(["in", "has", "like", "is"]);
const VARIABLES = new Set(["principal", "action", "resource", "context"]);
const CONSTANTS = new Set(["true", "false"]);

function token(stream: StringStream): string | null {
  if (stream.eatSpace()) return null;
  if (stream.match("//")) {
    stream.skipToEnd();
    return "comment";
  }
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
  if (stream.match(/^@[A-Za-z_]\w*/)) return "meta";
  if (stream.match(/^\?(?:principal|resource)\b/)) return "propertyName";
  if (stream.match(/^\d+/)) return "number";
  const word = stream.match(/^[A-Za-z_]\w*/);
  if (word) return wordStyle((word as RegExpMatchArray)[0], stream);
  if (stream.match(/^(?:==|!=|<=|>=|&&|\|\||[<>!+*-])/)) return "operator";
  stream.next();
  return null;
}

function wordStyle(word: string, stream: StringStream): string | null {
  if (EFFECTS.has(word) || CLAUSES.has(word) || OPERATORS.has(word)) return "keyword";
  if (CONSTANTS.has(word)) return "bool";
  // What stands before :: names a type: Group::"dba", Shop::Table::"orders".
  if (stream.match(/^\s*::/, false)) return "typeName";
  return VARIABLES.has(word) ? "propertyName" : null;
}

export const cedarLanguage = StreamLanguage.define({
  name: "cedar",
  token,
  languageData: {
    commentTokens: { line: "//" },
    closeBrackets: { brackets: ["(", "[", "{", '"'] },
  },
});
