// What the form knows to be wrong before the gateway is asked: fields that are empty and have to be filled, and names
// that cannot be one.
import { get, type Path } from "@/ui/resources/form";
import { type Fields, isFields } from "@/ui/resources/yaml";

const ALWAYS: Path[] = [["name"], ["protocol"], ["environment"], ["target", "address"]];
const NAME = /^[A-Za-z0-9][\w.-]*$/;
const ACCOUNT = /^[A-Za-z0-9][\w.$-]*$/;

/** The fields that have to be filled and are not, by place: `accounts.0.name`. */
export function missing(body: Fields, needsUsername: boolean): Map<string, string> {
  const accounts = get(body, ["accounts"]);
  const each = Array.isArray(accounts) ? accounts : [];
  const ofAccounts = each.flatMap((_, at): Path[] => [
    ["accounts", at, "name"],
    ...(needsUsername ? [["accounts", at, "username"]] : []),
  ]);
  const found = new Map<string, string>();
  for (const path of [...ALWAYS, ...ofAccounts]) {
    const value = get(body, path);
    if (value === undefined || value === "") found.set(path.join("."), "This is needed.");
  }
  if (each.length === 0) found.set("accounts", "At least one account is needed.");
  return found;
}

/** Names that cannot be one, by place; also where the gateway finds something else wrong first. */
export function misnamed(body: Fields): Map<string, string> {
  const accounts = get(body, ["accounts"]);
  const found = new Map<string, string>();
  const look = (place: string, name: unknown, good: RegExp, marks: string) => {
    if (typeof name !== "string" || name === "" || good.test(name)) return;
    found.set(place, `A letter or digit, then letters, digits and any of ${marks}`);
  };
  look("name", body.name, NAME, "- _ .");
  for (const [at, account] of (Array.isArray(accounts) ? accounts : []).entries()) {
    if (isFields(account)) look(`accounts.${at}.name`, account.name, ACCOUNT, "- _ . $");
  }
  return found;
}
