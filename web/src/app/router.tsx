// Puts together the routes that each page declares in its own folder.
import { createBrowserRouter } from "react-router";
import { routes as approvals } from "@/pages/approvals/routes";
import { routes as connections } from "@/pages/connections/routes";
import { routes as home } from "@/pages/home/routes";
import { routes as log } from "@/pages/log/routes";
import { routes as people } from "@/pages/people/routes";
import { routes as policies } from "@/pages/policies/routes";
import { routes as sessions } from "@/pages/sessions/routes";
import { routes as settings } from "@/pages/settings/routes";
import { NotFound } from "@/shell/NotFound";
import { RouteError } from "@/shell/RouteError";
import { Shell } from "@/shell/Shell";
import { Starting } from "@/shell/Starting";

const pages = [
  ...home,
  ...connections,
  ...approvals,
  ...sessions,
  ...policies,
  ...people,
  ...log,
  ...settings,
];

export const router = createBrowserRouter(
  [
    {
      path: "/",
      Component: Shell,
      ErrorBoundary: RouteError,
      HydrateFallback: Starting,
      children: [
        // A page that breaks takes only its own part of the screen with it.
        { ErrorBoundary: RouteError, children: [...pages, { path: "*", Component: NotFound }] },
      ],
    },
  ],
  { basename: "/console" },
);
