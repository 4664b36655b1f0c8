// A link from mail: opened once for whoever it was written to. It decides nothing, it only says where to look.
import { Alert } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import { useSearchParams } from "react-router";
import type { ApiError } from "@/api/client";
import { useMe } from "@/api/me";
import { useSend } from "@/api/query";
import { visible } from "@/ui/visible";

const LINK = "link";

/** Opens the link that the address has, and says why it could not be opened. */
export function useMailLink(): ApiError | null {
  const [query, setQuery] = useSearchParams();
  const link = query.get(LINK);
  const { mutate, error } = useSend("post", "/v1/links/open", { quiet: true });
  const opened = useRef<string>(null);
  useEffect(() => {
    if (!link || opened.current === link) return;
    opened.current = link;
    // It stays in the address until it is answered: whoever has to sign in first comes back with it.
    const forget = () =>
      setQuery(
        (old) => {
          const left = new URLSearchParams(old);
          left.delete(LINK);
          return left;
        },
        { replace: true },
      );
    mutate({ body: { link } }, { onSettled: forget });
  }, [link, mutate, setQuery]);
  return error;
}

export function MailLink({ error }: { error: ApiError | null }) {
  const { principal } = useMe();
  if (!error) return null;
  const { title, more } = inWords(error, visible(principal));
  return (
    <Alert color="yellow" mb="md" role="alert" icon={<IconMail aria-hidden />} title={title}>
      {more}
    </Alert>
  );
}

/** What a link that does not open says, and what to do instead. */
export function inWords(
  { status, message, hint }: Pick<ApiError, "status" | "message" | "hint">,
  me: string,
): { title: string; more: string } {
  switch (status) {
    case 403:
      return {
        title: "This link was written to somebody else",
        more: `You are signed in as ${me}. A link from mail only opens for the person that the mail was written to; passing it on gives nobody a right.`,
      };
    case 409:
      return {
        title: "This link was opened before",
        more: "A link from mail opens once. The request itself is shown below, where you may see it.",
      };
    case 400:
      return {
        title: "This link is over",
        more: "It ended with the request, or it was cut short on its way. The request itself is shown below, where you may see it.",
      };
    default:
      return {
        title: "The link from the mail could not be opened",
        more: [message, hint].filter(Boolean).join("; "),
      };
  }
}
