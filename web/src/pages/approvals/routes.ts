// The routes of the approvals pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [
  { path: "approvals", lazy: () => import("./index") },
  { path: "approvals/request", lazy: () => import("./request") },
  { path: "approvals/:id", lazy: () => import("./one") },
];
