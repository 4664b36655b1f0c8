// People and machines: who is known, what they hold, and what of it can end.
import { PageHeader } from "@/ui/PageHeader";
import { PageTabs } from "@/ui/PageTabs";
import { AllAgents } from "./Agents";
import { CreateToken } from "./CreateToken";
import { Issuers } from "./Issuers";
import { GroupList, Principals } from "./Principals";
import { AllSignIns } from "./SignIns";
import { AllTokens } from "./Tokens";

export const TABS = [
  { value: "users", label: "Users", content: () => <Principals kind="user" /> },
  { value: "groups", label: "Groups", content: () => <GroupList /> },
  { value: "services", label: "Services", content: () => <Principals kind="service" /> },
  { value: "agents", label: "Agents", content: () => <AllAgents /> },
  { value: "tokens", label: "Tokens", content: () => <AllTokens /> },
  { value: "sign-ins", label: "Sign-ins", content: () => <AllSignIns /> },
  { value: "issuers", label: "Trusted issuers", content: () => <Issuers /> },
];

export function Component() {
  return (
    <>
      <PageHeader
        title="People and machines"
        about="Who can act, with what, and for whom. Whatever ends here reaches live sessions within a second."
        actions={<CreateToken />}
      />
      <PageTabs label="People and machines" tabs={TABS} />
    </>
  );
}
